"""The code of the agents that MLflow serves: observations in, actions out.

MLflow runs this file when it loads a model; the agent beside it is data. It is logged as
code rather than pickled, so that loading a model executes nothing but this package.
"""

from typing import Any

import mlflow
import numpy as np
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from numpy.typing import NDArray

from qwop_wr.agents.policy import Policy
from qwop_wr.datasets import AgentDataset


class RunnerModel(PythonModel):
    """An agent's deterministic policy."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the agent.

        Args:
            context: Where MLflow has put the model's files.
        """
        agent = AgentDataset(filepath=context.artifacts["agent"]).load()
        assert agent is not None  # noqa: S101 - only an optional dataset loads nothing
        self._policy: Policy = agent.policy()

    def predict(
        self,
        context: PythonModelContext,
        model_input: NDArray[np.float32],
        params: dict[str, Any] | None = None,
    ) -> NDArray[np.int64]:
        """Choose actions.

        Args:
            context: Not needed any more.
            model_input: Observations, shape (n, d).
            params: None are known.

        Returns:
            Indices into the agent's action set, shape (n,).
        """
        return self._policy.act(np.asarray(model_input, dtype=np.float32))


mlflow.models.set_model(RunnerModel())
