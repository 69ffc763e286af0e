"""Saved agents in MLflow's model registry."""

import logging
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
from kedro.io import DataCatalog

from qwop_wr.agents.agent import Agent
from qwop_wr.datasets import AgentDataset
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.hooks import ModelRegistryHook
from tests.evaluation.players import random_agent

GAME = EnvironmentOptions()
MODEL = "qwop-runner"


def save(agent: Agent, folder: Path, **registration: str) -> None:
    """Save an agent as a node's output would be, the hook listening."""
    metadata = {"mlflow": registration} if registration else None
    dataset = AgentDataset(filepath=folder / "agent.safetensors", metadata=metadata)
    dataset.save(agent)
    hook = ModelRegistryHook()
    hook.after_catalog_created(DataCatalog({"agent": dataset}))
    hook.after_dataset_saved("agent", agent)


def holder(alias: str = "champion") -> str:
    return str(mlflow.MlflowClient().get_model_version_by_alias(MODEL, alias).tags["agent"])


def versions() -> list[Any]:
    return list(mlflow.MlflowClient().search_model_versions(f"name = '{MODEL}'"))


def test_the_model_acts_as_the_agent_does(run_id: str, tmp_path: Path) -> None:
    agent = random_agent(GAME)
    save(agent, tmp_path, registered_model=MODEL, alias="champion")
    model = mlflow.pyfunc.load_model(f"models:/{MODEL}@champion")
    shape = (32, agent.spec.n_observations)
    observations = np.random.default_rng(2).normal(size=shape).astype(np.float32)
    assert model.predict(observations).tolist() == agent.policy().act(observations).tolist()
    with pytest.raises(mlflow.MlflowException, match="shape"):
        model.predict(observations[:, 1:])


def test_nothing_in_the_model_is_a_pickle(run_id: str, tmp_path: Path) -> None:
    save(random_agent(GAME), tmp_path, registered_model=MODEL)
    folder = Path(mlflow.artifacts.download_artifacts(f"models:/{MODEL}/1"))
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert {"agent.safetensors", "runner_model.py", "requirements.txt"} <= names
    assert not [name for name in names if name.endswith((".pkl", ".pickle", ".pt"))]
    assert "torch==" in (folder / "requirements.txt").read_text()


def test_an_agent_is_registered_once(run_id: str, tmp_path: Path) -> None:
    agent = random_agent(GAME)
    for alias in ({}, {"alias": "champion"}, {}):
        save(agent.with_card(again=str(alias)), tmp_path, registered_model=MODEL, **alias)
    assert len(versions()) == 1
    assert holder() == agent.fingerprint


def test_the_alias_moves_only_from_a_beaten_champion(run_id: str, tmp_path: Path) -> None:
    first, second, third = (random_agent(GAME, seed) for seed in (1, 2, 3))
    crown = {"registered_model": MODEL, "alias": "champion"}
    save(first, tmp_path, **crown)
    save(second, tmp_path, registered_model=MODEL)
    assert holder() == first.fingerprint
    # It was better than another one, not than the alias's holder.
    save(second.with_card(defeated=[third.fingerprint]), tmp_path, **crown)
    assert holder() == first.fingerprint
    save(second.with_card(defeated=[third.fingerprint, first.fingerprint]), tmp_path, **crown)
    assert holder() == second.fingerprint
    assert len(versions()) == 2


@pytest.mark.parametrize("defeated", [None, "x", [1, None]])
def test_a_strange_card_moves_nothing(run_id: str, tmp_path: Path, defeated: Any) -> None:
    crown = {"registered_model": MODEL, "alias": "champion"}
    save(random_agent(GAME, 1), tmp_path, **crown)
    save(random_agent(GAME, 2).with_card(defeated=defeated), tmp_path, **crown)
    assert holder() == random_agent(GAME, 1).fingerprint


def test_what_does_not_ask_is_not_registered(run_id: str, tmp_path: Path) -> None:
    save(random_agent(GAME), tmp_path)
    assert versions() == []


def test_a_registry_that_fails_is_told_once(
    run_id: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mlflow.set_registry_uri((tmp_path / "files").as_uri())
    with caplog.at_level(logging.DEBUG, logger="qwop_wr"):
        for seed in (1, 2):
            save(random_agent(GAME, seed), tmp_path, registered_model=MODEL, alias="champion")
    told = [record for record in caplog.records if "could not register agent" in record.message]
    assert [record.levelname for record in told] == ["WARNING", "DEBUG"]
