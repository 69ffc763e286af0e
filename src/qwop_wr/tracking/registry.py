"""Agents in MLflow's model registry, found again by their fingerprints."""

import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Final

import mlflow
import numpy as np
from mlflow.entities.model_registry import ModelVersion
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec

import qwop_wr
from qwop_wr.agents.agent import Agent
from qwop_wr.datasets import AgentDataset
from qwop_wr.tracking import runner_model

FINGERPRINT_TAG: Final = "agent"
"""Tag of a model version that holds the agent's fingerprint."""

_LIBRARIES: Final = (
    "fsspec",
    "gymnasium",
    "kedro",
    "kedro-datasets",
    "mlflow",
    "numba",
    "numpy",
    "pydantic",
    "safetensors",
    "torch",
)
"""What the policy and the package around it import."""


def register_agent(agent: Agent, model: str) -> ModelVersion:
    """Register an agent, once, as a model that can be loaded by ``mlflow.pyfunc``.

    Raises:
        mlflow.MlflowException: If the store has no registry or does not answer.
    """
    client = mlflow.MlflowClient()
    known = [
        entry
        for entry in client.search_model_versions(f"name = '{model}'")
        if entry.tags.get(FINGERPRINT_TAG) == agent.fingerprint
    ]
    if known:
        return max(known, key=lambda entry: int(entry.version))
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/agent.safetensors"
        AgentDataset(filepath=path).save(agent)
        logged = mlflow.pyfunc.log_model(
            name=model,
            loader_module=runner_model.__name__,
            data_path=path,
            code_paths=[str(Path(qwop_wr.__file__).parent)],
            # MLflow would take seconds to guess them.
            pip_requirements=[f"{name}=={version(name).split('+')[0]}" for name in _LIBRARIES],
            signature=_signature(agent),
            input_example=np.zeros((1, agent.spec.n_observations), dtype=np.float32),
            registered_model_name=model,
        )
    number = str(logged.registered_model_version)
    client.set_model_version_tag(model, number, FINGERPRINT_TAG, agent.fingerprint)
    return client.get_model_version(model, number)


def move_alias(agent: Agent, model: str, alias: str, defeated: frozenset[str]) -> bool:
    """Move an alias to an agent, if the agent that it names now is among the defeated.

    Args:
        agent: Agent that is to get the alias; registered if it is not yet.
        defeated: Fingerprints of the agents that it beat.

    Returns:
        Whether the alias names the agent now; False if it names one that took no part in
        the comparison, for instance because others share the registry.

    Raises:
        mlflow.MlflowException: If the store has no registry or does not answer.
    """
    client = mlflow.MlflowClient()
    version = register_agent(agent, model)
    number = client.get_registered_model(model).aliases.get(alias)
    if number is not None:
        holder = client.get_model_version(model, str(number)).tags.get(FINGERPRINT_TAG)
        if holder == agent.fingerprint:
            return True
        if holder not in defeated:
            return False
    client.set_registered_model_alias(model, alias, str(version.version))
    return True


def _signature(agent: Agent) -> ModelSignature:
    observations = TensorSpec(np.dtype(np.float32), (-1, agent.spec.n_observations))
    actions = TensorSpec(np.dtype(np.int64), (-1,))
    return ModelSignature(inputs=Schema([observations]), outputs=Schema([actions]))
