"""A child of the active MLflow run, fed with metrics from a background thread."""

import logging
import math
import time
from collections.abc import Mapping
from typing import Any, Literal

import mlflow
from mlflow.entities import Metric
from mlflow.utils.async_logging.run_operations import RunOperations
from pydantic import BaseModel

from qwop_wr.tracking.failures import tolerated
from qwop_wr.tracking.parameters import flatten_options, log_parameters
from qwop_wr.tracking.runs import find_run

logger = logging.getLogger(__name__)

_BATCH_METRICS = 500
_BATCH_SECONDS = 5.0
_PARENT = "mlflow.parentRunId"


class ChildRun:
    """A nested run of the active one, in this thread.

    Metrics are collected and sent in batches by MLflow's own thread. What MLflow
    does not take is told in the log and does not raise.

    Args:
        name: Name of the run, also its tag ``stage``.
        parameters: Options, logged flattened.
        run_id: Run to go on with, if it is a child of the active one.
        tags: Further tags.
    """

    def __init__(
        self,
        name: str,
        parameters: Mapping[str, Any] | BaseModel,
        run_id: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self._client = mlflow.MlflowClient()
        before = run_id if run_id and self._is_child(run_id) else None
        all_tags = {"stage": name, **(tags or {})}
        run = mlflow.start_run(before, run_name=name, nested=True, tags=all_tags)
        self._run_id = run.info.run_id
        self._collected: list[Metric] = []
        self._sent: list[tuple[int, RunOperations]] = []
        self._last_send = time.monotonic()
        log_parameters(self._client, self._run_id, flatten_options(parameters))

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Collect metrics; send them when there are many or the last batch is old.

        Args:
            metrics: Metrics by name; NaN is left out, since charts cannot show it.
            step: Step they belong to.
        """
        now = int(time.time() * 1000)
        self._collected.extend(
            Metric(name, float(value), now, step)
            for name, value in metrics.items()
            if not math.isnan(value)
        )
        age = time.monotonic() - self._last_send
        if len(self._collected) >= _BATCH_METRICS or age >= _BATCH_SECONDS:
            self._send()

    def end(self, status: Literal["FINISHED", "FAILED", "KILLED"]) -> None:
        """Send what is left, wait until all is sent, and close the run.

        Args:
            status: How the stage ended.
        """
        self._send()
        self._tell_losses()
        with tolerated(f"close the run {self._run_id}"):
            mlflow.end_run(status)

    def _is_child(self, run_id: str) -> bool:
        run, parent = find_run(self._client, run_id), mlflow.active_run()
        return (
            run is not None
            and parent is not None
            and run.data.tags.get(_PARENT) == (parent.info.run_id)
        )

    def _send(self) -> None:
        self._last_send = time.monotonic()
        for start in range(0, len(self._collected), _BATCH_METRICS):
            batch = self._collected[start : start + _BATCH_METRICS]
            pending = self._client.log_batch(self._run_id, metrics=batch, synchronous=False)
            if pending is not None:
                self._sent.append((len(batch), pending))
        self._collected.clear()

    def _tell_losses(self) -> None:
        n_lost = 0
        for n_metrics, pending in self._sent:
            try:
                pending.wait()  # type: ignore[no-untyped-call]
            except mlflow.MlflowException:
                n_lost += n_metrics
        if n_lost:
            logger.warning(
                "%d metrics did not reach MLflow run %s; the history that the stage saves has them",
                n_lost,
                self._run_id,
            )
