"""Agents on disk: what comes back, what is refused; one file, or a folder of them."""

import inspect
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kedro.io.core import DatasetError
from kedro_datasets._typing import JSONPreview
from safetensors.numpy import load as parse_tensors
from safetensors.numpy import save as format_tensors

from qwop_wr.agents.agent import Agent
from qwop_wr.datasets import AgentDataset, AgentsDataset

KEY = "qwop-agent"
Description = dict[str, Any]


@pytest.fixture
def dataset(tmp_path: Path) -> AgentDataset:
    return AgentDataset(filepath=tmp_path / "agent.safetensors")


def header(content: bytes) -> dict[str, Any]:
    length = int.from_bytes(content[:8], "little")
    parsed: dict[str, Any] = json.loads(content[8 : 8 + length])
    return parsed


def rewrite(
    dataset: AgentDataset,
    change: Callable[[Description], object] = lambda description: None,
    weights: Callable[[dict[str, Any]], object] = lambda weights: None,
) -> None:
    """Change the file behind the dataset's back."""
    path = Path(dataset._filepath)
    content = path.read_bytes()
    description = json.loads(header(content)["__metadata__"][KEY])
    tensors = parse_tensors(content)
    change(description)
    weights(tensors)
    path.write_bytes(format_tensors(tensors, metadata={KEY: json.dumps(description)}))


def test_agent_acts_as_before(dataset: AgentDataset, agent: Agent) -> None:
    dataset.save(agent)
    loaded = dataset.load()
    assert loaded is not None
    assert loaded.spec == agent.spec
    observations = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    np.testing.assert_array_equal(
        loaded.policy().action_scores(observations), agent.policy().action_scores(observations)
    )


def test_the_former_name_of_an_action_set(dataset: AgentDataset, agent: Agent) -> None:
    former = agent.spec.model_copy(update={"actions": "seeds"})
    dataset.save(Agent(former, agent.weights, agent.card))
    loaded = dataset.load()
    assert loaded is not None
    assert loaded.spec == agent.spec.model_copy(update={"actions": "qwop_gym"})
    assert loaded.fingerprint == Agent(former, agent.weights, agent.card).fingerprint


def test_file_holds_weights_and_description_only(dataset: AgentDataset, agent: Agent) -> None:
    dataset.save(agent)
    content = Path(dataset._filepath).read_bytes()
    assert header(content).keys() == {"__metadata__", *agent.weights}
    # Several entries would be written in an order that changes between processes.
    assert header(content)["__metadata__"].keys() == {KEY}
    n_weights = sum(array.size for array in agent.weights.values())
    assert len(content) == 8 + int.from_bytes(content[:8], "little") + 4 * n_weights


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("card"), "must have the keys card, fingerprint, format_version, spec"),
        (lambda d: d.update(code="x"), "must have the keys"),
        (lambda d: d.update(format_version=2), "its format_version is 2, expected 1"),
        (lambda d: d["spec"].update(n_actions=-1), "n_actions = -1: Input should be greater"),
        (lambda d: d["spec"].update(hook="os"), "hook = 'os': there is no such key"),
        (lambda d: d["spec"].update(n_actions=8), "must have shape"),
        (lambda d: d["spec"].update(observation="absolute"), "not those that were saved"),
        (lambda d: d.update(card=3), "its card must be a JSON object"),
    ],
)
def test_wrong_descriptions_are_refused(
    dataset: AgentDataset, agent: Agent, change: Callable[[Description], object], message: str
) -> None:
    dataset.save(agent)
    rewrite(dataset, change)
    with pytest.raises(DatasetError, match=rf"agent\.safetensors: no usable agent: .*{message}"):
        dataset.load()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.update(extra=np.zeros(1, np.float32)), "has weights 'extra'"),
        (lambda w: w.popitem(), "lack"),
        (lambda w: w.update({n: a.astype(np.float64) for n, a in w.items()}), "not float32"),
        (lambda w: w.update({n: a * np.nan for n, a in w.items()}), "not finite"),
        (lambda w: w.update({n: a + 1 for n, a in w.items()}), "not those that were saved"),
    ],
)
def test_wrong_weights_are_refused(
    dataset: AgentDataset, agent: Agent, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    dataset.save(agent)
    rewrite(dataset, weights=change)
    with pytest.raises(DatasetError, match=f"no usable agent: .*{message}"):
        dataset.load()


class Trap:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return (exec, ("raise SystemExit('executed')",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a safetensors file"),
        (pickle.dumps(Trap()), "not a safetensors file"),
        (b"\xff" * 100, "not a safetensors file"),
        (format_tensors({"a": np.zeros(2, np.float32)}), "without 'qwop-agent' in its metadata"),
        ((2).to_bytes(8, "little") + b"[]", "without 'qwop-agent' in its metadata"),
        ((9).to_bytes(8, "little") + b"[" * 9, "no usable agent"),
    ],
)
def test_foreign_files_are_refused(dataset: AgentDataset, content: bytes, message: str) -> None:
    Path(dataset._filepath).write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        dataset.load()


def test_preview_describes_without_weights(dataset: AgentDataset, agent: Agent) -> None:
    dataset.save(agent)
    shown = json.loads(dataset.preview())
    assert shown["card"] == agent.card
    assert shown["spec"]["n_actions"] == 9
    assert shown["fingerprint"] == agent.fingerprint
    assert inspect.signature(dataset.preview).return_annotation is JSONPreview


def test_every_agent_is_a_file_of_its_own(tmp_path: Path, agent: Agent) -> None:
    AgentsDataset(filepath=tmp_path / "guides").save({"b": agent, "a": agent})
    single = AgentDataset(filepath=tmp_path / "guides/a.safetensors").load()
    assert single is not None
    assert single.fingerprint == agent.fingerprint
