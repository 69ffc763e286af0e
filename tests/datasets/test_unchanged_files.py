"""What another release wrote is left alone if it holds already what is saved."""

import json
from pathlib import Path

import pytest
from safetensors.numpy import load as parse_tensors
from safetensors.numpy import save as format_tensors

from qwop_wr.agents.agent import Agent
from qwop_wr.datasets import (
    AgentDataset,
    AgentsDataset,
    TapeDataset,
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


def test_a_folder_of_agents(tmp_path: Path, agent: Agent) -> None:
    dataset = AgentsDataset(filepath=tmp_path / "guides")
    dataset.save({"guide_1": agent})
    before = written_otherwise(tmp_path / "guides/guide_1.safetensors")
    dataset.save(dataset.load())
    assert (tmp_path / "guides/guide_1.safetensors").read_bytes() == before


@pytest.mark.parametrize("keep_fastest", [False, True])
def test_a_tape(tmp_path: Path, tapes: dict[str, Tape], keep_fastest: bool) -> None:
    tape, path = tapes["seed_12"], tmp_path / "record.qwop.json"
    # As version 1 of the format, on one line.
    content = {**json.loads(tape.to_json()), "format_version": 1}
    path.write_text(json.dumps(content))
    before = path.read_bytes()
    TapeDataset(filepath=path, save_args={"keep_fastest": keep_fastest}).save(tape)
    assert path.read_bytes() == before
