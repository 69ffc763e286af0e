"""Agents in a folder: names, what is refused, and an optional folder."""

from pathlib import Path

import pytest
from kedro.io.core import DatasetError

from qwop_wr.agents.agent import Agent
from qwop_wr.datasets import AgentDataset, AgentsDataset


@pytest.fixture
def dataset(tmp_path: Path) -> AgentsDataset:
    return AgentsDataset(filepath=tmp_path / "guides")


def test_every_agent_is_a_file_of_its_own(dataset: AgentsDataset, agent: Agent) -> None:
    dataset.save({"b": agent, "a": agent})
    assert list(dataset.load()) == ["a", "b"]
    single = AgentDataset(filepath=Path(dataset._filepath) / "a.safetensors").load()
    assert single is not None
    assert single.fingerprint == agent.fingerprint


def test_a_save_drops_earlier_agents(dataset: AgentsDataset, agent: Agent) -> None:
    dataset.save({"a": agent, "b": agent})
    dataset.save({"c": agent})
    assert list(dataset.load()) == ["c"]


def test_an_optional_folder_may_be_missing(tmp_path: Path) -> None:
    folder = tmp_path / "guides"
    assert AgentsDataset(filepath=folder, load_args={"optional": True}).load() == {}
    with pytest.raises(DatasetError, match="there is no folder of agents here"):
        AgentsDataset(filepath=folder).load()


def test_a_damaged_agent_is_named(dataset: AgentsDataset, agent: Agent) -> None:
    dataset.save({"a": agent})
    (Path(dataset._filepath) / "bad.safetensors").write_bytes(b"x")
    with pytest.raises(DatasetError, match=r"guides/bad\.safetensors: no usable agent"):
        dataset.load()


def test_limit_of_agents(dataset: AgentsDataset, agent: Agent) -> None:
    dataset.save({"a": agent, "b": agent})
    small = AgentsDataset(filepath=dataset._filepath, load_args={"max_agents": 1})
    with pytest.raises(DatasetError, match="it holds 2 agents, the limit is 1"):
        small.load()


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a\nb"])
def test_names_that_are_no_file_names(dataset: AgentsDataset, agent: Agent, name: str) -> None:
    with pytest.raises(DatasetError, match="cannot name an agent; use letters"):
        dataset.save({name: agent})


def test_only_agents_are_saved(dataset: AgentsDataset) -> None:
    with pytest.raises(DatasetError, match="'a' is a str, expected an Agent"):
        dataset.save({"a": "agent"})  # type: ignore[dict-item]
