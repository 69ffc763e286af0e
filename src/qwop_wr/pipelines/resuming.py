"""Resumable trainings as nodes: Kedro saves every state that they yield."""

import gc
import logging
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from pydantic import BaseModel, JsonValue

from qwop_wr.agents.state import (
    TrainingDivergedError,
    TrainingState,
    TrainingStateError,
    agent_facts,
    prefixed,
    resumable,
)
from qwop_wr.errors import BadInputError
from qwop_wr.metric_sink import MetricSink
from qwop_wr.tracking import active_run_ids, stage_run

logger = logging.getLogger(__name__)

RUNS = "mlflow"
"""Fact of a state: the MLflow runs that the training logs to, ``parent`` and ``child``."""


class Training(Protocol):
    """A training that can be stopped and resumed."""

    origin: dict[str, JsonValue]

    def is_over(self, state: TrainingState) -> bool:
        """Return whether the training is complete."""

    def run(self, state: TrainingState | None, sink: MetricSink) -> Iterator[TrainingState]:
        """Continue from a state, or start; the last state is the final one."""


def train_on(
    name: str,
    training: Training,
    interrupted: TrainingState | None,
    parameters: Mapping[str, Any] | BaseModel,
    tags: Mapping[str, str] | None = None,
    dataset: str | None = None,
) -> Iterator[TrainingState]:
    """Run a training in its own MLflow run, the same one again when it resumes.

    Args:
        interrupted: State to resume from; None to start anew.
        parameters: Options, logged flattened.
        tags: Tags of the MLflow run.
        dataset: Dataset of the states; ``{name}_training`` by default.

    Yields:
        States, the final one last. If the training diverges, the last one holds the batch
        and the best agent until then, for diagnosis.

    Raises:
        BadInputError: If the state is another training's, or the training diverged.
    """
    dataset = dataset or f"{name}_training"
    try:
        state = resumable(interrupted, training.origin)
    except TrainingStateError as error:
        raise BadInputError(f"interrupted_{dataset}: {error}") from error
    if interrupted is not None and state is None:
        logger.info("%s begins anew: what is there is the end of another training", name)
    if state is not None and training.is_over(state):
        logger.info("%s is already complete; its result is reused", name)
        yield state
        return
    with stage_run(name, parameters, _run_before(state), tags) as sink:
        runs: dict[str, JsonValue] = {**active_run_ids()}
        try:
            for reached in training.run(state, sink):
                yield reached.with_facts(**{RUNS: runs})
        except TrainingStateError as error:
            raise BadInputError(f"interrupted_{dataset}: {error}") from error
        except TrainingDivergedError as error:
            yield _remains(error, training.origin)
            raise BadInputError(
                f"{name}: {error}; the batch and the best agent until then are kept in the "
                f"dataset {dataset}"
            ) from error
    # Learners refer to themselves in circles; their buffers must not stay through the next stage.
    gc.collect()


def _run_before(state: TrainingState | None) -> str | None:
    runs = state.facts.get(RUNS) if state else None
    child = runs.get("child") if isinstance(runs, dict) else None
    return child if isinstance(child, str) else None


def _remains(error: TrainingDivergedError, origin: Mapping[str, JsonValue]) -> TrainingState:
    agent = error.agent
    arrays = prefixed("batch", error.batch or {})
    if agent is not None:
        arrays |= prefixed("best", agent.weights)
    best = agent_facts(agent) if agent else None
    return TrainingState(
        arrays, {**origin, "finished": False, "diverged": str(error), "best": best}
    )
