"""What a training asks of an algorithm, whichever it is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from pydantic import JsonValue

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.episodes import RecentEpisodes
from qwop_wr.agents.state import TrainingState, restore_global_generators


class LearningGames(Protocol):
    """SB3's view of games whose state can be kept."""

    bootstrap_finish: bool
    """Whether the value behind a finish is estimated instead of being 0."""

    @property
    def games(self) -> VectorEnv[Any, Any, Any]:
        """The same games as a vector environment."""

    def state(self) -> dict[str, NDArray[Any]]:
        """Copy all that the next steps follow from."""

    def load_state(self, arrays: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Go on from a state; returns what the games show."""


class Learner(ABC):
    """An algorithm at work.

    Attributes:
        episodes: How its latest episodes ended.
    """

    def __init__(self) -> None:
        self.episodes = RecentEpisodes()

    @property
    @abstractmethod
    def steps(self) -> int:
        """Decisions made so far, all games together."""

    @abstractmethod
    def iterate(self) -> Mapping[str, float]:
        """Play a little and learn from it.

        Returns:
            The algorithm's own metrics.

        Raises:
            TrainingDivergedError: If a weight is no longer finite.
        """

    @abstractmethod
    def agent(self) -> Agent:
        """Take a snapshot: an agent with the present weights and an empty card."""

    @abstractmethod
    def begin_with(self, agent: Agent) -> None:
        """Begin with the weights of an agent of the same spec instead of random ones."""

    @abstractmethod
    def arrays(self) -> dict[str, NDArray[Any]]:
        """Copy everything large that the next iteration follows from."""

    @abstractmethod
    def facts(self) -> dict[str, JsonValue]:
        """Tell the rest of it."""

    def go_on(self, state: TrainingState) -> None:
        """Go on after a state was given out.

        Args:
            state: That state. Others may have drawn from global generators meanwhile; if the
                learner draws from them, they are set as they were.
        """
        if generators := state.part("generator"):
            restore_global_generators(generators)

    @abstractmethod
    def restore(self, state: TrainingState) -> None:
        """Go on to the bit where ``arrays`` and ``facts`` were taken.

        Args:
            state: A state that holds both.
        """
