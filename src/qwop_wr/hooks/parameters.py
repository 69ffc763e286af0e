"""Logging of parameters."""

from typing import Any

import mlflow
from kedro.framework.hooks import hook_impl
from kedro.pipeline import Pipeline

from qwop_wr.tracking.failures import tolerated
from qwop_wr.tracking.parameters import flatten_options, log_parameters

_PREFIX = "params:"


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
