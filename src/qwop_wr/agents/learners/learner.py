"""The interface between a training and its algorithm."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any, Protocol

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from pydantic import JsonValue
from stable_baselines3.common.logger import Logger

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.metrics import RecentEpisodes
from qwop_wr.agents.state import TrainingState, restore_global_generators

Progress = Callable[[int], float]
"""Share of the training that is over, by the number of steps made; schedules follow it."""


class LearningGames(Protocol):
    """SB3's view of a vector environment whose state can be saved."""

    bootstrap_finish: bool
    """Whether the value after a finish is estimated instead of being 0."""

    @property
    def games(self) -> VectorEnv[Any, Any, Any]:
        """The same games as a vector environment."""

    def state(self) -> dict[str, NDArray[Any]]:
        """Copy all that the next steps depend on."""

    def load_state(self, arrays: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Restore a state; returns the observations."""


class Learner(ABC):
    """An algorithm in the course of its training.

    Attributes:
        episodes: The latest training episodes.
    """

    episodes: RecentEpisodes

    @property
    @abstractmethod
    def steps(self) -> int:
        """Decisions made so far, all games together."""

    @abstractmethod
    def iterate(self) -> None:
        """Act, step, store and learn, as much as belongs to one update.

        Raises:
            TrainingDivergedError: If a loss or weight is no longer finite.
        """

    @abstractmethod
    def metrics(self) -> Mapping[str, float]:
        """Take out the algorithm's own metrics since the last call, by full name."""

    @abstractmethod
    def agent(self) -> Agent:
        """Return an agent with the present weights and an empty card."""

    @abstractmethod
    def begin_with(self, agent: Agent) -> None:
        """Replace the initial weights with those of an agent of the same spec."""

    @abstractmethod
    def arrays(self) -> dict[str, NDArray[Any]]:
        """Copy the arrays that the next iteration depends on."""

    @abstractmethod
    def facts(self) -> dict[str, JsonValue]:
        """Return everything else that it depends on, ``steps`` included."""

    @abstractmethod
    def restore(self, state: TrainingState) -> None:
        """Continue exactly where ``arrays`` and ``facts`` were taken."""

    def after_saving(self, state: TrainingState) -> None:
        """Continue after a state was yielded; other code may have run meanwhile.

        Args:
            state: That state. If it holds global generators, they are restored.
        """
        if generators := state.part("generator"):
            restore_global_generators(generators)


def take_metrics(logger: Logger) -> dict[str, float]:
    """Empty an SB3 logger.

    Args:
        logger: Logger of a learner.

    Returns:
        The numbers recorded since the last time, means where means were recorded.
    """
    recorded = logger.name_to_value.items()
    metrics = {name: float(value) for name, value in recorded if isinstance(value, Real)}
    for values in (logger.name_to_value, logger.name_to_count, logger.name_to_excluded):
        values.clear()
    return metrics
