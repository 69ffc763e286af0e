"""The MLflow run of a pipeline: kedro-mlflow's, with a local store and truthful end states."""

import os
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import mlflow
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from kedro_mlflow.framework.hooks import MlflowHook
from kedro_mlflow.io.catalog.switch_catalog_logging import switch_catalog_logging

from qwop_wr.hooks.interruption import RESUME
from qwop_wr.secrets import hide_secrets
from qwop_wr.tracking.runs import find_run, tell_again, tolerated

_TRACKING_URI = "MLFLOW_TRACKING_URI"
_RESUMES: Final = "resumes"
"""Entry of a folder's metadata: which of its trainings the run resumes."""
_KIND: Final = ("mlflow.experimentKind", "custom_model_development")
"""Tag without which MLflow 3 opens an experiment on its page for language models, not on runs."""


class MlflowRunHook(MlflowHook):  # type: ignore[misc]  # kedro-mlflow has no types
    """Opens and closes the run as kedro-mlflow does, with these differences.

    - Where no tracking server is named, runs are kept in the project: ``mlflow.db``
      and ``mlartifacts/``.
    - Parameters are left to :class:`~qwop_wr.hooks.mlflow_logging.ParameterLoggingHook`,
      which logs typed ones flattened.
    - An interrupted run ends as KILLED; kedro-mlflow leaves it to MLflow's exit
      handler, which calls it FINISHED.
    - A pipeline that resumes a training resumes its run, if the store has it. For a folder
      of trainings, ``metadata: {mlflow: {resumes: "{experiment}/{seed}"}}`` in the
      catalog names the one, by the values of parameters.
    - The experiment is tagged as one of trainings, so that MLflow's pages open on its runs.
    - Passwords in addresses are kept out of tags.
    - A store that does not answer causes one warning, and the pipeline runs without it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._is_set_up = False

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Set up the store."""
        config = context.config_loader["mlflow"]
        is_uri_configured = bool((config.get("server") or {}).get("mlflow_tracking_uri"))
        self._is_set_up = False
        tell_again()
        with tolerated("be set up"):
            if not is_uri_configured and not os.environ.get(_TRACKING_URI):
                _set_up_local_store(context.project_path, config["tracking"]["experiment"]["name"])
            super().after_context_created(context)
            _tag_as_trainings(self.mlflow_config.tracking.experiment.name)
            self._is_set_up = True

    @hook_impl
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog
    ) -> None:
        """Open the run."""
        is_open = False
        if self._is_set_up:
            with tolerated("open a run"):
                self.mlflow_config.tracking.run.id = _run_to_resume(pipeline, catalog)
                super().before_pipeline_run(hide_secrets(run_params), pipeline, catalog)
                is_open = True
        if not is_open:
            self._continue_without(catalog)

    @hook_impl
    def before_node_run(
        self, node: Node, catalog: DataCatalog, inputs: dict[str, Any], is_async: bool
    ) -> None:
        """Make the run the active one in the node's thread; log no parameters."""
        if self.run_id is None:
            return
        is_open = False
        with tolerated("resume its run"):
            super().before_node_run(node, catalog, {}, is_async)
            is_open = True
        if not is_open:
            self._continue_without(catalog)

    @hook_impl
    def after_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog
    ) -> None:
        """Close the run."""
        with tolerated("close its run"):
            super().after_pipeline_run(run_params, pipeline, catalog)

    @hook_impl
    def on_pipeline_interrupted(self) -> None:
        """Close the run and its children as KILLED; one opened by others stays open."""
        others = self.run_id if self._already_active_mlflow else None
        while (run := mlflow.active_run()) is not None and run.info.run_id != others:
            with tolerated("close an interrupted run"):
                mlflow.end_run("KILLED")

    def _continue_without(self, catalog: DataCatalog) -> None:
        self._is_mlflow_enabled = False
        self.run_id = None
        switch_catalog_logging(catalog, False)
        while mlflow.active_run() is not None:
            # MLflow forgets the run here even if the store does not answer.
            with tolerated("close its run"):
                mlflow.end_run("FAILED")


def _run_to_resume(pipeline: Pipeline, catalog: DataCatalog) -> str | None:
    """Run of the first interrupted training that the pipeline resumes, if any."""
    if RESUME not in pipeline.inputs() or not catalog[RESUME].load():
        return None
    # Imported only when something resumes: it loads the learning code.
    from qwop_wr.datasets import OptionalPartitions, TrainingStateDataset  # noqa: PLC0415

    for node in pipeline.nodes:
        for name in node.inputs if RESUME in node.inputs else ():
            dataset = catalog[name]
            if isinstance(dataset, TrainingStateDataset):
                return _run_of(dataset.load_facts() or {})
            wanted = ((getattr(dataset, "metadata", None) or {}).get("mlflow") or {}).get(_RESUMES)
            if isinstance(dataset, OptionalPartitions) and wanted:
                load = dataset.load().get(_filled_in(wanted, catalog))
                return _run_of(load().facts) if load else None
    return None


def _filled_in(pattern: str, catalog: DataCatalog) -> str:
    """Put the values of parameters in the place of their names."""
    names = [name for _, name, _, _ in string.Formatter().parse(pattern) if name]
    return pattern.format_map({name: catalog[f"params:{name}"].load() for name in names})


def _run_of(facts: Mapping[str, Any]) -> str | None:
    run_id = (facts.get("mlflow") or {}).get("parent")
    if facts.get("finished") or not isinstance(run_id, str):
        return None
    return run_id if find_run(mlflow.MlflowClient(), run_id) is not None else None


def _set_up_local_store(project_path: Path, experiment: str) -> None:
    """Name the project's own store, whatever the current directory is.

    MLflow would put artifacts into the current directory of whoever creates the
    experiment, so it is created here.
    """
    os.environ[_TRACKING_URI] = f"sqlite:///{(project_path / 'mlflow.db').as_posix()}"
    client = mlflow.MlflowClient(os.environ[_TRACKING_URI])
    if client.get_experiment_by_name(experiment) is None:
        client.create_experiment(experiment, (project_path / "mlartifacts").as_uri())


def _tag_as_trainings(experiment: str) -> None:
    client, (key, value) = mlflow.MlflowClient(), _KIND
    found = client.get_experiment_by_name(experiment)
    if found is not None and key not in found.tags:
        client.set_experiment_tag(found.experiment_id, key, value)
