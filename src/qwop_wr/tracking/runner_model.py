"""The model code of agents that MLflow serves: observations in, actions out.

MLflow imports this module when it loads a model; the agent beside it is data. Nothing is
pickled, so that loading a model executes nothing but this package.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qwop_wr.agents.agent import Agent
from qwop_wr.datasets import AgentDataset


class RunnerModel:
    """An agent's deterministic policy."""

    def __init__(self, agent: Agent) -> None:
        self._policy = agent.policy()

    def predict(
        self, model_input: NDArray[np.float32], params: dict[str, Any] | None = None
    ) -> NDArray[np.int64]:
        """Choose actions for observations (n, d); ``params`` are part of MLflow's interface."""
        return self._policy.act(np.asarray(model_input, dtype=np.float32))


def _load_pyfunc(path: str) -> RunnerModel:
    """Load a model; MLflow looks this function up by name."""
    agent = AgentDataset(filepath=path).load()
    assert agent is not None  # noqa: S101 - only an optional dataset loads nothing
    return RunnerModel(agent)
