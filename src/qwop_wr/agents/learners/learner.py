"""What a training asks of an algorithm, whichever it is."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from typing import Any, Final, Protocol

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from pydantic import JsonValue

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.state import TrainingState, restore_global_generators

_COLUMNS: Final = ("distance", "finished", "score_time", "reward")


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


class EpisodeWindow:
    """How the latest training episodes ended.

    Args:
        size: Episodes that an average is taken over.
    """

    def __init__(self, size: int = 100) -> None:
        self._rows: deque[tuple[float, ...]] = deque(maxlen=size)

    def add(self, distance: float, finished: float, score_time: float, reward: float) -> None:
        """Take in an episode's distance [m], whether it finished, its time [s] and return."""
        self._rows.append((float(distance), float(finished), float(score_time), float(reward)))

    def metrics(self) -> dict[str, float]:
        """Average over them.

        Returns:
            ``rollout/finish_rate``, ``rollout/distance_mean`` [m], ``rollout/reward_mean`` and,
            if a run has finished, ``rollout/finish_time_mean`` [s]; nothing before the first.
        """
        if not self._rows:
            return {}
        columns = dict(zip(_COLUMNS, self.array().T, strict=True))
        finished = columns["finished"] > 0
        metrics = {
            "rollout/finish_rate": float(finished.mean()),
            "rollout/distance_mean": float(columns["distance"].mean()),
            "rollout/reward_mean": float(columns["reward"].mean()),
        }
        if finished.any():
            metrics["rollout/finish_time_mean"] = float(columns["score_time"][finished].mean())
        return metrics

    def array(self) -> NDArray[np.float64]:
        """Copy the episodes, shape (n, 4)."""
        return np.array(self._rows, dtype=np.float64).reshape(-1, len(_COLUMNS))

    def load(self, rows: NDArray[np.float64]) -> None:
        """Go on from such a copy."""
        self._rows.clear()
        self._rows.extend(tuple(row) for row in rows.tolist())


class Learner(ABC):
    """An algorithm at work.

    Attributes:
        episodes: How its latest episodes ended.
    """

    def __init__(self) -> None:
        self.episodes = EpisodeWindow()

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
