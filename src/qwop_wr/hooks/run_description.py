"""What is told of a run in MLflow: its parameters, and where it comes from."""

from pathlib import Path
from typing import Any

import mlflow
from kedro.framework.hooks import hook_impl
from kedro.pipeline import Pipeline

from qwop_wr import __version__
from qwop_wr.provenance import read_revision
from qwop_wr.tracking.failures import tolerated
from qwop_wr.tracking.parameters import flatten_options, log_parameters

_PREFIX = "params:"
_UNKNOWN = "unknown"


class ParameterLoggingHook:
    """Logs what the pipeline reads, typed options flattened, once per run."""

    def __init__(self) -> None:
        self._parameters: dict[str, Any] = {}

    @hook_impl
    def after_catalog_created(self, parameters: dict[str, Any]) -> None:
        """Remember the parameters' values.

        Args:
            parameters: Values by dataset name, ``params:`` included.
        """
        self._parameters = parameters

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline) -> None:
        """Log the pipeline's parameters to the active MLflow run.

        Args:
            pipeline: The pipeline to run.
        """
        run = mlflow.active_run()
        if run is None:
            return
        names = sorted(name for name in pipeline.inputs() if name.startswith(_PREFIX))
        values = {
            name.removeprefix(_PREFIX): self._parameters[name]
            for name in names
            if name in self._parameters
        }
        with tolerated("log the parameters"):
            log_parameters(mlflow.MlflowClient(), run.info.run_id, flatten_options(values))


class ProvenanceHook:
    """Tags the MLflow run with where it comes from, and names it after that."""

    def __init__(self) -> None:
        self._physics: dict[str, set[str]] = {}

    @hook_impl
    def after_catalog_created(self, parameters: dict[str, Any]) -> None:
        """Remember which engines and platforms the parameters name.

        Args:
            parameters: Values by dataset name, ``params:`` included.
        """
        flat = flatten_options(parameters["parameters"])
        self._physics = {
            name: {str(v) for k, v in flat.items() if k.split(".")[-1] == name}
            for name in ("engine", "platform")
        }

    @hook_impl
    def before_pipeline_run(self, run_params: dict[str, Any]) -> None:
        """Tag and name the active MLflow run.

        Args:
            run_params: What was asked to be run.
        """
        run = mlflow.active_run()
        if run is None:
            return
        revision = read_revision(Path(run_params["project_path"]))
        dirty = _UNKNOWN if revision.dirty is None else str(revision.dirty).lower()
        pipelines = list(run_params["pipeline_names"] or ["__default__"])
        environment = run_params["env"] or "base"
        with tolerated("tag the run"):
            mlflow.set_tags(
                {
                    "git_commit": revision.commit or _UNKNOWN,
                    "git_dirty": dirty,
                    **{
                        name: "+".join(sorted(values)) or _UNKNOWN
                        for name, values in self._physics.items()
                    },
                    "kedro_env": environment,
                    "qwop_wr_version": __version__,
                }
            )
            # Only the name that kedro-mlflow gives by default; a configured one stays.
            if run.info.run_name == "+".join(pipelines):
                parts = run_params["namespaces"] or [name.strip("_") for name in pipelines]
                name = f"{'+'.join(parts)} ({environment})"
                mlflow.MlflowClient().update_run(run.info.run_id, name=name)
