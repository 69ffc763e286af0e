"""Trouble with MLflow is told once and never stops a run."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import mlflow
from sqlalchemy.exc import SQLAlchemyError

from qwop_wr.secrets import without_secrets

logger = logging.getLogger(__name__)

# Network errors are OSErrors; a database that is locked or full is SQLAlchemy's.
_TROUBLE = (mlflow.MlflowException, OSError, SQLAlchemyError)


@contextmanager
def tolerated(action: str) -> Iterator[None]:
    """Go on if MLflow does not do what it should: results are in the project's files.

    The first trouble of an MLflow run, or of a session without one, is a warning; the others
    are debug messages.

    Args:
        action: What MLflow is asked to do, for the message.

    Yields:
        Nothing.
    """
    try:
        yield
    except _TROUBLE as error:
        run = mlflow.active_run()
        level = _level_of_next_message(None if run is None else run.info.run_id)
        reason = without_secrets((str(error).splitlines() or [type(error).__name__])[0])
        logger.log(level, "MLflow could not %s; the run goes on without: %s", action, reason)


def tell_again() -> None:
    """Let the next trouble be a warning, whatever was told before; a new session begins."""
    _levels.cache_clear()


def _level_of_next_message(run_id: str | None) -> int:
    return next(_levels(run_id), logging.DEBUG)


@lru_cache(maxsize=16)
def _levels(run_id: str | None) -> Iterator[int]:
    return iter((logging.WARNING,))
