"""Trainings as nodes: Kedro saves every state that they give out, and they go on from it."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any, Protocol, cast

from pydantic import BaseModel, JsonValue

from qwop_wr.agents.state import (
    TrainingDivergedError,
    TrainingState,
    TrainingStateError,
    resumable,
    under,
)
from qwop_wr.errors import BadInputError
from qwop_wr.metric_sink import MetricSink
from qwop_wr.tracking import active_run_ids, stage_run

logger = logging.getLogger(__name__)

RUNS = "mlflow"
"""Fact of a state: the MLflow runs that the training logs to, ``parent`` and ``child``."""


class Training(Protocol):
    """A training that can be stopped and gone on with."""

    origin: dict[str, JsonValue]

    def is_over(self, state: TrainingState) -> bool:
        """Tell whether nothing is left to do."""

    def run(self, state: TrainingState | None, sink: MetricSink) -> Iterator[TrainingState]:
        """Go on from a state, or begin; the last state is that of the end."""


def train_on(
    name: str,
    training: Training,
    interrupted: TrainingState | None,
    parameters: Mapping[str, Any] | BaseModel,
    tags: Mapping[str, str] | None = None,
    dataset: str | None = None,
) -> Iterator[TrainingState]:
    """Run a training in an MLflow run of its own, the same one as before if it goes on.

    Args:
        interrupted: State to go on from, if it shall.
        parameters: Options, logged flattened.
        tags: Tags of the MLflow run.
        dataset: Where the states are kept; ``{name}_training`` if it is not given.

    Yields:
        States, the last one is that of the end. If the training diverges, the last one
        holds what can be learnt from: the batch and the best agent until then.

    Raises:
        BadInputError: If it cannot go on from the state, or it diverged.
    """
    dataset = dataset or f"{name}_training"
    try:
        state = resumable(interrupted, training.origin)
    except TrainingStateError as error:
        raise BadInputError(f"interrupted_{dataset}: {error}") from error
    if interrupted is not None and state is None:
        logger.info("%s begins anew: what is there is the end of another training", name)
    if state is not None and training.is_over(state):
        logger.info("%s has ended before; its result is handed on", name)
        yield state
        return
    with stage_run(name, parameters, _run_before(state), tags) as sink:
        runs: dict[str, JsonValue] = {**active_run_ids()}
        try:
            for reached in training.run(state, sink):
                yield reached.noting(**{RUNS: runs})
        except TrainingStateError as error:
            raise BadInputError(f"interrupted_{dataset}: {error}") from error
        except TrainingDivergedError as error:
            yield _remains(error, training.origin)
            raise BadInputError(
                f"{name}: {error}; the batch and the best agent until then are kept in the "
                f"dataset {dataset}"
            ) from error


def _run_before(state: TrainingState | None) -> str | None:
    runs = state.facts.get(RUNS) if state else None
    child = runs.get("child") if isinstance(runs, dict) else None
    return child if isinstance(child, str) else None


def _remains(error: TrainingDivergedError, origin: Mapping[str, JsonValue]) -> TrainingState:
    agent, best = error.agent, None
    if agent is not None:
        best = cast(
            "JsonValue", {"spec": agent.spec.model_dump(mode="json"), "card": dict(agent.card)}
        )
    return TrainingState(
        {**under("batch", error.batch or {}), **under("best", agent.weights if agent else {})},
        {**origin, "finished": False, "diverged": str(error), "best": best},
    )
