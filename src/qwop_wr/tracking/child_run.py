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

from qwop_wr.tracking.parameters import flatten_options, log_parameters

logger = logging.getLogger(__name__)

_BATCH_METRICS = 500
_BATCH_SECONDS = 5.0


class ChildRun:
    """A nested run of the active one, in this thread.

    Metrics are collected and sent in batches by MLflow's own thread. What MLflow
    does not take is told in the log and does not raise.

    Args:
        name: Name of the run, also its tag ``stage``.
        parameters: Options, logged flattened.
    """

    def __init__(self, name: str, parameters: Mapping[str, Any] | BaseModel) -> None:
        run = mlflow.start_run(run_name=name, nested=True, tags={"stage": name})
        self._run_id = run.info.run_id
        self._client = mlflow.MlflowClient()
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
        try:
            mlflow.end_run(status)
        except mlflow.MlflowException as error:
            logger.warning("MLflow run %s could not be closed: %s", self._run_id, error)

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
