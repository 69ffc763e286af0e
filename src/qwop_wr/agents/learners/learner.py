"""The interface that every algorithm implements for the training loop."""

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
"""Maps the number of steps made to the share of the training that is over."""


class LearningGames(Protocol):
    """SB3's view of a vector environment whose state can be saved."""

    bootstrap_finish: bool
    """Whether the value after a finish is estimated instead of being 0."""

    @property
    def games(self) -> VectorEnv[Any, Any, Any]:
        """The same games as a vector environment."""

    def state(self) -> dict[str, NDArray[Any]]:
        """Copies everything that the next steps depend on."""

    def load_state(self, arrays: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Restores a state; returns the observations."""


class Learner(ABC):
    """An algorithm during its training.

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
        """Acts, steps, stores and learns for one update.

        Raises:
            TrainingDivergedError: If a loss or weight is no longer finite.
        """

    @abstractmethod
    def metrics(self) -> Mapping[str, float]:
        """Takes out the algorithm's own metrics since the last call, by full name."""

    @abstractmethod
    def agent(self) -> Agent:
        """Returns an agent with the current weights and an empty card."""

    @abstractmethod
    def start_from(self, agent: Agent) -> None:
        """Replaces the initial weights with those of an agent of the same spec."""

    @abstractmethod
    def arrays(self) -> dict[str, NDArray[Any]]:
        """Copies the arrays that the next iteration depends on."""

    @abstractmethod
    def facts(self) -> dict[str, JsonValue]:
        """Returns everything else that the next iteration depends on, ``steps`` included."""

    @abstractmethod
    def restore(self, state: TrainingState) -> None:
        """Continues exactly from the state of ``arrays`` and ``facts``."""

    def after_saving(self, state: TrainingState) -> None:
        """Restores the global generators of ``state``: code between yields may draw from them."""
        if generators := state.part("generator"):
            restore_global_generators(generators)


def take_metrics(logger: Logger) -> dict[str, float]:
    """Returns and clears the numbers recorded by an SB3 logger, means where it keeps means."""
    recorded = logger.name_to_value.items()
    metrics = {name: float(value) for name, value in recorded if isinstance(value, Real)}
    for values in (logger.name_to_value, logger.name_to_count, logger.name_to_excluded):
        values.clear()
    return metrics
