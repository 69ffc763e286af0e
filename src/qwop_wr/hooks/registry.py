"""Saved agents in MLflow's model registry."""

import logging
from typing import Any, Final

from kedro.framework.hooks import hook_impl

from qwop_wr.agents.agent import Agent
from qwop_wr.hooks.catalog_entries import CatalogEntriesHook
from qwop_wr.tracking.failures import tolerated

logger = logging.getLogger(__name__)

DEFEATED: Final = "defeated"
"""Entry of a champion's card: fingerprints of the agents that it was better than."""


class ModelRegistryHook(CatalogEntriesHook):
    """Registers an agent right after it is saved, if its metadata asks.

    The catalog entry says so. The alias, if there is one, moves to the agent only from
    an agent that its card lists as defeated:

    ```yaml
    metadata:
      mlflow:
        registered_model: qwop-runner
        alias: champion
    ```
    """

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:  # noqa: ANN401
        """Register what was just saved.

        Args:
            dataset_name: Name of the dataset.
            data: What was saved.
        """
        if not isinstance(data, Agent):
            return
        wanted = self._wanted(dataset_name)
        if model := wanted.get("registered_model"):
            with tolerated(f"register {dataset_name} as {model}"):
                _register(data, model, wanted.get("alias"))


def _register(agent: Agent, model: str, alias: str | None) -> None:
    # Loading what registering needs takes a second, which most pipelines save.
    from qwop_wr.tracking.registry import move_alias, register_agent  # noqa: PLC0415

    if alias is None:
        register_agent(agent, model)
        return
    defeated = agent.card.get(DEFEATED, [])
    beaten = frozenset(map(str, defeated)) if isinstance(defeated, list) else frozenset()
    if not move_alias(agent, model, alias, beaten):
        logger.info("%s@%s stays with an agent that this one was not compared with", model, alias)
