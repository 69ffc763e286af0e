"""The project's Kedro session: clear errors for bad input, clean ends when interrupted."""

import logging
from collections.abc import Mapping
from typing import Any

import yaml
from kedro.config import MissingConfigException
from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession
from kedro.io import DatasetError
from kedro.pipeline import Pipeline
from kedro.runner import AbstractRunner, ParallelRunner

from qwop_wr.errors import BadInputError, suggest
from qwop_wr.hooks.interruption import InterruptionSpecs
from qwop_wr.stopping import stop_signals

logger = logging.getLogger(__name__)

_BAD_INPUT = (DatasetError, MissingConfigException, yaml.YAMLError)


class ProjectSession(KedroSession):
    """Runs pipelines as Kedro does, with two differences.

    - A pipeline, selection, configuration or file that cannot be used ends in
      :class:`~qwop_wr.errors.BadInputError`, one line on the command line.
    - Ctrl-C and SIGTERM both raise ``KeyboardInterrupt``, after the hook
      ``on_pipeline_interrupted`` is called. A training first ends at its next safe point,
      see :mod:`qwop_wr.stopping`.
    """

    def run(
        self,
        pipeline_name: str | None = None,
        pipeline_names: list[str] | None = None,
        *args: Any,  # noqa: ANN401 (passed on)
        **kwargs: Any,  # noqa: ANN401
    ) -> dict[str, Any]:
        """Run pipelines.

        Args:
            pipeline_name: Deprecated: name of one pipeline.
            pipeline_names: Names of the pipelines; by default ``__default__``.

        Returns:
            Outputs of the pipeline by name.

        Raises:
            BadInputError: If something that the user gave cannot be used.
            KeyboardInterrupt: If the run was interrupted.
        """
        self._hook_manager.add_hookspecs(InterruptionSpecs)
        names = [pipeline_name] if pipeline_name else list(pipeline_names or ["__default__"])
        with stop_signals():
            try:
                _check_selection(names, kwargs)
                _check_runner(kwargs.get("runner"))
                return super().run(pipeline_name, pipeline_names, *args, **kwargs)
            except KeyboardInterrupt:
                self._hook_manager.hook.on_pipeline_interrupted()
                raise
            except _BAD_INPUT as error:
                logger.debug("The run ended in an error", exc_info=True)
                raise BadInputError(str(error)) from error


def _check_selection(names: list[str], kwargs: Mapping[str, Any]) -> None:
    registered = sorted(pipelines.keys())
    for name in names:
        if name not in registered:
            raise BadInputError(f"there is no pipeline {name!r}; {suggest(name, registered)}")
    criteria = ("tags", "from_nodes", "to_nodes", "node_names", "from_inputs", "to_outputs")
    selected = {key: kwargs[key] for key in criteria if key in kwargs}
    try:
        sum((pipelines[name] for name in names), Pipeline([])).filter(
            node_namespaces=kwargs.get("namespaces"), **selected
        )
    except ValueError as error:
        raise BadInputError(f"nothing can be run: {error}") from error


def _check_runner(runner: AbstractRunner | None) -> None:
    """Refuse runners that would lose metrics, locks or the reaction to Ctrl-C."""
    if isinstance(runner, ParallelRunner):
        raise BadInputError(
            "--runner=ParallelRunner: nodes, MLflow's run and the locks of files belong to one "
            "process; the heavy nodes share their own work among processes with "
            "--params=compute.backend=process"
        )
    if getattr(runner, "_is_async", False):
        raise BadInputError(
            "--async (is_async=True): what is saved in other threads would be logged in an "
            "MLflow run of its own; leave it out, loading and saving take seconds; "
            "--runner=ThreadRunner runs nodes side by side"
        )
