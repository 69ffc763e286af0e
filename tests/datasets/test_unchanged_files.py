"""Saving what a file holds already leaves the file alone; endings may be written in capitals."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load as parse_tensors
from safetensors.numpy import save as format_tensors

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.state import TrainingState
from qwop_wr.datasets import (
    AgentDataset,
    AgentsDataset,
    OptionalPartitions,
    TapeDataset,
    TapesDataset,
    TrainingStateDataset,
)
from qwop_wr.simulator.tape import Tape


def written_otherwise(path: Path) -> bytes:
    """Give a safetensors file other bytes of equal content, as another release may write."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    key, text = next(iter(header["__metadata__"].items()))
    spread = json.dumps(json.loads(text), indent=1)
    path.write_bytes(format_tensors(parse_tensors(content), metadata={key: spread}))
    assert path.read_bytes() != content
    return path.read_bytes()


def test_an_agent(tmp_path: Path, agent: Agent) -> None:
    path = tmp_path / "expert.safetensors"
    dataset = AgentDataset(filepath=path)
    dataset.save(agent)
    before = written_otherwise(path)
    loaded = dataset.load()
    assert loaded is not None
    dataset.save(loaded)
    assert path.read_bytes() == before
    dataset.save(agent.with_card(seed=8))
    assert path.read_bytes() != before
    changed = dataset.load()
    assert changed is not None
    assert changed.card["seed"] == 8


def test_the_shipped_expert_which_an_earlier_release_wrote(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[2] / "data/01_raw/expert.safetensors"
    path = tmp_path / "expert.safetensors"
    path.write_bytes(shipped.read_bytes())
    dataset = AgentDataset(filepath=path)
    loaded = dataset.load()
    assert loaded is not None
    dataset.save(loaded)
    assert path.read_bytes() == shipped.read_bytes()
    dataset.save(loaded.with_card(seed=8))
    assert path.read_bytes() != shipped.read_bytes()


def test_other_weights_are_written(tmp_path: Path, agent: Agent) -> None:
    dataset = AgentDataset(filepath=tmp_path / "a.safetensors")
    dataset.save(agent)
    weights = {name: array + 1 for name, array in agent.weights.items()}
    dataset.save(replace(agent, weights=weights))
    again = dataset.load()
    assert again is not None
    assert again.fingerprint != agent.fingerprint


def test_a_damaged_file_is_replaced(tmp_path: Path, agent: Agent) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"x" * 50)
    AgentDataset(filepath=path).save(agent)
    assert AgentDataset(filepath=path).load() is not None


def test_a_training_state(tmp_path: Path) -> None:
    dataset = TrainingStateDataset(filepath=tmp_path / "s.safetensors")
    state = TrainingState({"count": np.arange(5)}, {"finished": False})
    dataset.save(state)
    os.utime(tmp_path / "s.safetensors", (0, 0))
    dataset.save(state)
    assert (tmp_path / "s.safetensors").stat().st_mtime == 0


def test_a_folder_of_agents(tmp_path: Path, agent: Agent) -> None:
    dataset = AgentsDataset(filepath=tmp_path / "guides")
    dataset.save({"guide_1": agent})
    before = written_otherwise(tmp_path / "guides/guide_1.safetensors")
    dataset.save(dataset.load())
    assert (tmp_path / "guides/guide_1.safetensors").read_bytes() == before
    dataset.save({"guide_1": agent.with_card(seed=1)})
    assert dataset.load()["guide_1"].card["seed"] == 1
    dataset.save({"guide_2": agent})
    assert list(dataset.load()) == ["guide_2"]


@pytest.mark.parametrize("keep_fastest", [False, True])
def test_a_tape(tmp_path: Path, tapes: dict[str, Tape], keep_fastest: bool) -> None:
    tape, path = tapes["seed_12"], tmp_path / "record.qwop.json"
    # As version 1 of the format, on one line.
    content = {**json.loads(tape.to_json()), "format_version": 1}
    path.write_text(json.dumps(content))
    before = path.read_bytes()
    TapeDataset(filepath=path, save_args={"keep_fastest": keep_fastest}).save(tape)
    assert path.read_bytes() == before


def test_endings_in_capitals(tmp_path: Path, agent: Agent, tapes: dict[str, Tape]) -> None:
    AgentsDataset(filepath=tmp_path / "agents").save({"a": agent})
    (tmp_path / "agents/a.safetensors").rename(tmp_path / "agents/A.SafeTensors")
    assert list(AgentsDataset(filepath=tmp_path / "agents").load()) == ["A"]
    TapesDataset(filepath=tmp_path / "tapes").save(tapes)
    (tmp_path / "tapes/native.qwop.json").rename(tmp_path / "tapes/native.QWOP.JSON")
    assert list(TapesDataset(filepath=tmp_path / "tapes").load()) == ["native", "seed_12"]


def test_partitions_in_capitals(tmp_path: Path) -> None:
    (tmp_path / "cells").mkdir()
    (tmp_path / "cells/one.JSON").write_text("1")
    (tmp_path / "cells/two.json").write_text("2")
    dataset = OptionalPartitions(
        path=str(tmp_path / "cells"), dataset="json.JSONDataset", filename_suffix=".json"
    )
    assert {key: load() for key, load in dataset.load().items()} == {"one": 1, "two": 2}
