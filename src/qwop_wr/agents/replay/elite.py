"""The learner's own fastest finishes, kept to be imitated."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qwop_wr.agents.replay.demonstrations import DemonstrationBuffer
from qwop_wr.agents.replay.n_step import NStepSamples
from qwop_wr.agents.replay.sampling import Draw, Floats, Integers, UniformSampler
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
        gamma: Discount per step.
        rng: Source of the draws.
    """

    def __init__(self, capacity: int, gamma: float, rng: np.random.Generator) -> None:
        self._capacity = capacity
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

    def draw(self, batch_size: int, beta: float) -> Draw:
        """Draw steps uniformly.

        Args:
            batch_size: Number of draws.
            beta: Does not matter: there are no priorities.

        Returns:
            Steps, to be looked up before the next draw, and weights of 1.

        Raises:
            ValueError: If there are no runs yet.
        """
        if not self._runs:
            raise ValueError("cannot sample from an empty elite")
        if self._buffer is None or (self._stale and self._draws >= REFRESH_EVERY):
            sampler = UniformSampler(self._rng)
            self._buffer = DemonstrationBuffer(joined(self._runs), self._gamma, sampler)
            self._stale, self._draws = False, 0
        self._draws += 1
        return self._buffer.draw(batch_size, beta)

    def n_step_samples(self, steps: Integers, n_steps: int) -> NStepSamples:
        """Look up steps with their n-step returns.

        Args:
            steps: What was drawn last, shape (batch,).
            n_steps: Longest return.

        Returns:
            The batch, rewards as they were earned.
        """
        assert self._buffer is not None  # noqa: S101 - the draw has made it
        return self._buffer.n_step_samples(steps, n_steps)

    def update_priorities(self, steps: Integers, errors: Floats) -> None:
        """Errors do not matter here."""

    def state(self) -> dict[str, NDArray[Any]]:
        """Copy the runs out.

        Returns:
            Arrays of all runs one behind the other; nothing if there are none.
        """
        if not self._runs:
            return {}
        steps = joined(self._runs)
        return {field.name: getattr(steps, field.name) for field in fields(steps)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take runs over.

        Args:
            state: What ``state`` gave.
        """
        self._runs, self._buffer = [], None
        if state:
            steps = Transitions(**state)
            self._runs = [steps.select(np.array([run])) for run in range(steps.n_episodes)]
