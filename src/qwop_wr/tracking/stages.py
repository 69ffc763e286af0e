"""A stage of a pipeline as a child of the MLflow run."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel

from qwop_wr.metric_sink import MetricSink, silent_sink


@contextmanager
def stage_run(
    name: str, parameters: Mapping[str, Any] | BaseModel | None = None
) -> Iterator[MetricSink]:
    """Log a stage's metrics while it runs.

    If an MLflow run is active in this thread, the stage gets a child run of its name,
    which ends as FINISHED, FAILED (an exception) or KILLED (an interruption). Trouble
    with MLflow is told and does not stop the stage. Without an active run nothing
    is logged, and MLflow is not even imported.

    Args:
        name: Name of the stage.
        parameters: Options of the stage, logged flattened.

    Yields:
        Sink for metrics by name and step.
    """
    # Whoever started a run has imported MLflow.
    mlflow = sys.modules.get("mlflow")
    if mlflow is None or mlflow.active_run() is None:
        yield silent_sink
        return
    from qwop_wr.tracking.child_run import ChildRun  # noqa: PLC0415 (imports MLflow)
    from qwop_wr.tracking.failures import tolerated  # noqa: PLC0415

    child: ChildRun | None = None
    with tolerated(f"start the run of stage {name}"):
        child = ChildRun(name, parameters or {})
    if child is None:
        yield silent_sink
        return
    try:
        yield child.log
    except (KeyboardInterrupt, SystemExit):
        child.end("KILLED")
        raise
    except BaseException:
        child.end("FAILED")
        raise
    child.end("FINISHED")
