"""The learner's own fastest finishes, kept to be imitated."""

import numpy as np

from qwop_wr.agents.replay.demonstrations import DemonstrationBuffer
from qwop_wr.agents.replay.n_step import NStepSamples
from qwop_wr.agents.transitions import Transitions, joined

REFRESH_EVERY = 100
"""Draws between two looks at what has been added: laying the runs out anew is slow."""


class EliteBuffer:
    """The fastest episodes so far, sampled like demonstrations.

    Self-imitation (https://arxiv.org/abs/1806.05635) of whole runs: it keeps up
    what works when the demonstrations are gone, and follows the learner as it
    becomes faster. Speed is the number of decisions, in which idle ticks at the
    start do not count.

    Args:
        capacity: Episodes kept.
        n_steps: Longest return.
        gamma: Discount per step.
        rng: Source of the draws.
    """

    def __init__(self, capacity: int, n_steps: int, gamma: float, rng: np.random.Generator) -> None:
        self._capacity = capacity
        self._n_steps = n_steps
        self._gamma = gamma
        self._rng = rng
        self._runs: list[Transitions] = []
        self._stale = False
        self._draws = 0
        self._buffer: DemonstrationBuffer | None = None

    @property
    def lengths(self) -> list[int]:
        """Decisions of the runs kept, in rising order."""
        return [len(run) for run in self._runs]

    def admits(self, length: int) -> bool:
        """Tell whether a run is fast enough to be kept.

        Args:
            length: Its decisions.

        Returns:
            True if there is room or it beats the slowest run kept.
        """
        return len(self._runs) < self._capacity or length < len(self._runs[-1])

    def add(self, run: Transitions) -> None:
        """Keep a run, and forget the slowest if there are too many.

        Args:
            run: One finished episode.
        """
        self._runs = sorted([*self._runs, run], key=len)[: self._capacity]
        self._stale = True

    def sample(self, batch_size: int) -> NStepSamples:
        """Draw steps uniformly, with their n-step returns.

        Args:
            batch_size: Number of samples.

        Returns:
            The batch, rewards as they were earned.

        Raises:
            ValueError: If there are no runs yet.
        """
        if not self._runs:
            raise ValueError("cannot sample from an empty elite")
        if self._buffer is None or (self._stale and self._draws >= REFRESH_EVERY):
            self._buffer = DemonstrationBuffer(
                joined(self._runs), self._n_steps, self._gamma, self._rng
            )
            self._stale, self._draws = False, 0
        self._draws += 1
        return self._buffer.sample(batch_size)
