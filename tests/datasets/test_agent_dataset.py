"""Agents on disk: what comes back, what is refused; one file, or a folder of them."""

import contextlib
import inspect
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kedro.io.core import DatasetError, Version
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


def test_equal_agents_give_equal_files(dataset: AgentDataset, agent: Agent) -> None:
    dataset.save(agent)
    first = Path(dataset._filepath).read_bytes()
    dataset.save(agent)
    assert Path(dataset._filepath).read_bytes() == first
    # Several entries would be written in an order that changes between processes.
    assert header(first)["__metadata__"].keys() == {KEY}


def test_file_holds_weights_and_description_only(dataset: AgentDataset, agent: Agent) -> None:
    dataset.save(agent)
    content = Path(dataset._filepath).read_bytes()
    assert header(content).keys() == {"__metadata__", *agent.weights}
    n_weights = sum(array.size for array in agent.weights.values())
    assert len(content) == 8 + int.from_bytes(content[:8], "little") + 4 * n_weights


class TestOptional:
    def test_missing_is_none(self, tmp_path: Path) -> None:
        path, optional = tmp_path / "agent.safetensors", {"optional": True}
        assert AgentDataset(filepath=path, load_args=optional).load() is None
        versioned = AgentDataset(filepath=path, load_args=optional, version=Version(None, None))
        assert versioned.load() is None

    def test_present_is_loaded(self, dataset: AgentDataset, agent: Agent) -> None:
        dataset.save(agent)
        loaded = AgentDataset(filepath=dataset._filepath, load_args={"optional": True}).load()
        assert loaded is not None
        assert loaded.fingerprint == agent.fingerprint

    def test_damaged_is_not_missing(self, dataset: AgentDataset) -> None:
        Path(dataset._filepath).write_bytes(b"junk")
        with pytest.raises(DatasetError, match=r"agent\.safetensors: no usable agent"):
            AgentDataset(filepath=dataset._filepath, load_args={"optional": True}).load()


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


def test_truncated_file(dataset: AgentDataset, agent: Agent) -> None:
    dataset.save(agent)
    path = Path(dataset._filepath)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(DatasetError, match="truncated or damaged"):
        dataset.load()


def test_limit_of_size(dataset: AgentDataset, agent: Agent) -> None:
    dataset.save(agent)
    small = AgentDataset(filepath=dataset._filepath, load_args={"max_bytes": 100})
    with pytest.raises(DatasetError, match=r"it has \d+ bytes, the limit is 100"):
        small.load()


def test_preview_describes_without_weights(dataset: AgentDataset, agent: Agent) -> None:
    dataset.save(agent)
    shown = json.loads(dataset.preview())
    assert shown["card"] == agent.card
    assert shown["spec"]["n_actions"] == 9
    assert shown["fingerprint"] == agent.fingerprint
    assert inspect.signature(dataset.preview).return_annotation is JSONPreview


@pytest.mark.slow
@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_damaged_bytes_are_refused_or_harmless(
    dataset: AgentDataset, agent: Agent, data: st.DataObject
) -> None:
    dataset.save(agent)
    path = Path(dataset._filepath)
    content = bytearray(path.read_bytes())
    positions = st.integers(0, len(content) - 1)
    for position in data.draw(st.lists(positions, min_size=1, max_size=8)):
        content[position] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(positions) + 1])
    # Any other exception, and an agent that is not the saved one, fails the test.
    with contextlib.suppress(DatasetError):
        loaded = dataset.load()
        assert loaded is not None
        assert loaded.fingerprint == agent.fingerprint


@pytest.fixture
def agents_dataset(tmp_path: Path) -> AgentsDataset:
    return AgentsDataset(filepath=tmp_path / "guides")


def test_every_agent_is_a_file_of_its_own(agents_dataset: AgentsDataset, agent: Agent) -> None:
    agents_dataset.save({"b": agent, "a": agent})
    assert list(agents_dataset.load()) == ["a", "b"]
    single = AgentDataset(filepath=Path(agents_dataset._filepath) / "a.safetensors").load()
    assert single is not None
    assert single.fingerprint == agent.fingerprint


def test_a_save_drops_earlier_agents(agents_dataset: AgentsDataset, agent: Agent) -> None:
    agents_dataset.save({"a": agent, "b": agent})
    agents_dataset.save({"c": agent})
    assert list(agents_dataset.load()) == ["c"]


def test_an_optional_folder_may_be_missing(tmp_path: Path) -> None:
    folder = tmp_path / "guides"
    assert AgentsDataset(filepath=folder, load_args={"optional": True}).load() == {}
    with pytest.raises(DatasetError, match="there is no folder of agents here"):
        AgentsDataset(filepath=folder).load()


def test_a_damaged_agent_is_named(agents_dataset: AgentsDataset, agent: Agent) -> None:
    agents_dataset.save({"a": agent})
    (Path(agents_dataset._filepath) / "bad.safetensors").write_bytes(b"x")
    with pytest.raises(DatasetError, match=r"guides/bad\.safetensors: no usable agent"):
        agents_dataset.load()


def test_limit_of_agents(agents_dataset: AgentsDataset, agent: Agent) -> None:
    agents_dataset.save({"a": agent, "b": agent})
    small = AgentsDataset(filepath=agents_dataset._filepath, load_args={"max_agents": 1})
    with pytest.raises(DatasetError, match="it holds 2 agents, the limit is 1"):
        small.load()


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a\nb"])
def test_names_that_are_no_file_names(
    agents_dataset: AgentsDataset, agent: Agent, name: str
) -> None:
    with pytest.raises(DatasetError, match="cannot name an agent; use letters"):
        agents_dataset.save({name: agent})


def test_only_agents_are_saved(agents_dataset: AgentsDataset) -> None:
    with pytest.raises(DatasetError, match="'a' is a str, expected an Agent"):
        agents_dataset.save({"a": "agent"})  # type: ignore[dict-item]
