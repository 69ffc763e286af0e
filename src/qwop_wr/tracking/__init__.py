"""Live metrics and parameters in MLflow while a run is active; no-ops otherwise."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from pydantic import BaseModel

from qwop_wr.metric_sink import MetricSink, silent_sink

_INTERRUPTIONS: Final = (KeyboardInterrupt, SystemExit, GeneratorExit)
"""A generator gets the last one when its consumer is interrupted."""


@contextmanager
def stage_run(
    name: str,
    parameters: Mapping[str, Any] | BaseModel | None = None,
    run_id: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> Iterator[MetricSink]:
    """Log a stage's metrics while it runs.

    If an MLflow run is active in this thread, the stage gets a child run of its name,
    which ends as FINISHED, FAILED (an exception) or KILLED (an interruption). Errors of
    MLflow are logged and do not stop the stage. Without an active run nothing is logged,
    and MLflow is not even imported.

    Args:
        parameters: Options of the stage, logged flattened.
        run_id: Earlier child run to resume, if the active run still has it.
        tags: Tags of the child run in addition to ``stage``.

    Yields:
        Sink for metrics by name and step.
    """
    # An active run implies that MLflow is imported.
    mlflow = sys.modules.get("mlflow")
    if mlflow is None or mlflow.active_run() is None:
        yield silent_sink
        return
    from qwop_wr.tracking.runs import ChildRun, tolerated  # noqa: PLC0415 (imports MLflow)

    child: ChildRun | None = None
    with tolerated(f"start the run of stage {name}"):
        child = ChildRun(name, parameters or {}, run_id, tags or {})
    if child is None:
        yield silent_sink
        return
    try:
        yield child.log
    except _INTERRUPTIONS:
        child.end("KILLED")
        raise
    except BaseException:
        child.end("FAILED")
        raise
    child.end("FINISHED")


def active_run_ids() -> dict[str, str]:
    """Return the ids of the MLflow runs of a stage, ``child`` and ``parent``, if there are any."""
    mlflow = sys.modules.get("mlflow")
    run = mlflow.active_run() if mlflow else None
    if run is None or "mlflow.parentRunId" not in run.data.tags:
        return {}
    return {"child": run.info.run_id, "parent": run.data.tags["mlflow.parentRunId"]}
