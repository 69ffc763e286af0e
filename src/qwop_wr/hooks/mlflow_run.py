"""The MLflow run of a pipeline: kedro-mlflow's, with a local store and honest ends."""

import os
from pathlib import Path
from typing import Any

import mlflow
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline.node import Node
from kedro_mlflow.framework.hooks import MlflowHook

_TRACKING_URI = "MLFLOW_TRACKING_URI"


class MlflowRunHook(MlflowHook):  # type: ignore[misc]  # kedro-mlflow has no types
    """Opens and closes the run as kedro-mlflow does, with three differences.

    - Where no tracking server is named, runs are kept in the project: ``mlflow.db``
      and ``mlartifacts/``.
    - Parameters are left to :class:`~qwop_wr.hooks.parameters.ParameterLoggingHook`,
      which logs typed ones flattened.
    - An interrupted run ends as KILLED; kedro-mlflow leaves it to MLflow's exit
      handler, which calls it FINISHED.
    """

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Set up the store.

        Args:
            context: The project's context.
        """
        config = context.config_loader["mlflow"]
        is_uri_configured = bool((config.get("server") or {}).get("mlflow_tracking_uri"))
        if not is_uri_configured and not os.environ.get(_TRACKING_URI):
            _set_up_local_store(context.project_path, config["tracking"]["experiment"]["name"])
        super().after_context_created(context)

    @hook_impl
    def before_node_run(
        self, node: Node, catalog: DataCatalog, inputs: dict[str, Any], is_async: bool
    ) -> None:
        """Make the run the active one in the node's thread; log no parameters.

        Args:
            node: The node to run.
            catalog: The run's catalog.
            inputs: The node's inputs.
            is_async: Whether inputs are loaded in threads.
        """
        super().before_node_run(node, catalog, {}, is_async)

    @hook_impl
    def on_pipeline_interrupted(self) -> None:
        """Close the run and its children as KILLED; one opened by others stays open."""
        others = self.run_id if self._already_active_mlflow else None
        while (run := mlflow.active_run()) is not None and run.info.run_id != others:
            mlflow.end_run("KILLED")


def _set_up_local_store(project_path: Path, experiment: str) -> None:
    """Name the project's own store, whatever the current directory is.

    MLflow would put artifacts into the current directory of whoever creates the
    experiment, so it is created here.
    """
    os.environ[_TRACKING_URI] = f"sqlite:///{(project_path / 'mlflow.db').as_posix()}"
    client = mlflow.MlflowClient(os.environ[_TRACKING_URI])
    if client.get_experiment_by_name(experiment) is None:
        client.create_experiment(experiment, (project_path / "mlartifacts").as_uri())
