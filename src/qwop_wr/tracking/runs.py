"""Runs in MLflow: parameters, batches of metrics, and failures that never stop a pipeline."""

import logging
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Literal

import mlflow
from mlflow import MlflowClient, MlflowException
from mlflow.entities import LifecycleStage, Metric, Param, Run, RunTag
from mlflow.utils.async_logging.run_operations import RunOperations
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from qwop_wr.secrets import without_secrets

logger = logging.getLogger(__name__)

# Network errors are OSErrors; a database that is locked or full is SQLAlchemy's.
_TROUBLE = (mlflow.MlflowException, OSError, SQLAlchemyError)
_BATCH_METRICS = 500
_BATCH_SECONDS = 5.0
_PARENT = "mlflow.parentRunId"
_MAX_PARAM_LENGTH = 500
_MAX_TAG_LENGTH = 5000
_MAX_BATCH = 100


@contextmanager
def tolerated(action: str) -> Iterator[None]:
    """Log errors of MLflow instead of raising them: results are in the project's files.

    The first error of an MLflow run, or of a session without one, is a warning; later ones
    are debug messages. ``action`` is what was attempted.
    """
    try:
        yield
    except _TROUBLE as error:
        run = mlflow.active_run()
        level = _level_of_next_message(None if run is None else run.info.run_id)
        reason = without_secrets((str(error).splitlines() or [type(error).__name__])[0])
        logger.log(level, "MLflow could not %s; the run continues without it: %s", action, reason)


def tell_again() -> None:
    """Log the next error as a warning again, for a new session."""
    _levels.cache_clear()


def _level_of_next_message(run_id: str | None) -> int:
    return next(_levels(run_id), logging.DEBUG)


@lru_cache(maxsize=16)
def _levels(run_id: str | None) -> Iterator[int]:
    return iter((logging.WARNING,))


def flatten_options(options: Mapping[str, Any] | BaseModel, prefix: str = "") -> dict[str, Any]:
    """Flatten nested options, models included, to dotted keys; lists stay whole."""
    items = options.model_dump(mode="json") if isinstance(options, BaseModel) else options
    flat: dict[str, Any] = {}
    for key, value in items.items():
        name = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(value, Mapping | BaseModel):
            flat.update(flatten_options(value, name))
        else:
            flat[name] = value
    return flat


def log_parameters(client: MlflowClient, run_id: str, parameters: Mapping[str, Any]) -> None:
    """Log parameters in few calls; values too long for a parameter become tags.

    Parameters that a resumed run already has keep their first value.
    """
    known = client.get_run(run_id).data.params
    texts = {
        name: without_secrets(str(value)) for name, value in parameters.items() if name not in known
    }
    params = [Param(name, text) for name, text in texts.items() if len(text) <= _MAX_PARAM_LENGTH]
    tags = [
        RunTag(name, text[:_MAX_TAG_LENGTH])
        for name, text in texts.items()
        if len(text) > _MAX_PARAM_LENGTH
    ]
    for start in range(0, max(len(params), len(tags)), _MAX_BATCH):
        stop = start + _MAX_BATCH
        client.log_batch(run_id, params=params[start:stop], tags=tags[start:stop])


def find_run(client: MlflowClient, run_id: str) -> Run | None:
    """Look up a run; None if the store does not have it, or it was deleted."""
    try:
        run = client.get_run(run_id)
    except MlflowException:
        return None
    return run if run.info.lifecycle_stage == LifecycleStage.ACTIVE else None


class ChildRun:
    """A nested run of the active one, in this thread.

    Metrics are sent in batches by MLflow's own thread. Metrics that MLflow rejects are
    counted in the log and raise nothing.

    Args:
        name: Name of the run, also its tag ``stage``.
        parameters: Options, logged flattened.
        run_id: Run to resume, if it is a child of the active one.
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
        """Collect metrics but NaN, which charts cannot show; send many or old ones."""
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
        """Send the remaining metrics, wait until all have arrived, and close the run."""
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
