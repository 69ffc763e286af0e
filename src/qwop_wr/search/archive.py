"""The fastest runs so far, and the states along them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qwop_wr.search.starts import Prefix
from qwop_wr.simulator.constants import UNITS_PER_METRE
from qwop_wr.simulator.tape import Tape


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run and how it went.

    Attributes:
        tape: The run.
        metres: Position of the torso before every tick [m], shape (ticks,).
        heights: Its height before every tick [units, down], shape (ticks,).
    """

    tape: Tape
    metres: NDArray[np.float64]
    heights: NDArray[np.float64]

    @classmethod
    def replay(cls, tape: Tape) -> "Run":
        """Replay a tape.

        Args:
            tape: The run.

        Returns:
            The run with its course.
        """
        game = tape.simulator()
        torso = np.empty((tape.ticks, 2))
        for tick, mask in enumerate(tape.per_tick_keys):
            torso[tick] = game.state[0, 0, :2]
            game.step(np.array([mask], dtype=np.uint8))
        return cls(tape, torso[:, 0] / UNITS_PER_METRE, torso[:, 1])

    def prefix(self, metres: float, multiple: int) -> tuple[Prefix, float]:
        """Cut the run where it first reaches a position.

        Args:
            metres: Position of the torso [m].
            multiple: The cut is made after a multiple of so many ticks, so that
                decisions stay whole.

        Returns:
            The keys until then, and the torso's height there.
        """
        reached = self.metres >= metres
        tick = int(reached.argmax()) if reached.any() else len(reached) - 1
        tick -= tick % multiple
        return self.tape.per_tick_keys[:tick], float(self.heights[tick])


class Archive:
    """The fastest different runs, fastest first.

    Args:
        size: Runs kept at most.
        tapes: Runs to begin with; those that did not finish are left out.
    """

    def __init__(self, size: int, tapes: Sequence[Tape] = ()) -> None:
        self._size = size
        self.runs: list[Run] = []
        for tape in tapes:
            self.add(tape)

    @property
    def best(self) -> Tape | None:
        """The fastest run, if there is any."""
        return self.runs[0].tape if self.runs else None

    def add(self, tape: Tape) -> bool:
        """Take a run in if it is fast enough and not there yet.

        Args:
            tape: The run.

        Returns:
            Whether it is faster than all before.
        """
        ends = {run.tape.state_sha256 for run in self.runs}
        if not tape.finished or tape.state_sha256 in ends:
            return False
        is_best = self.best is None or tape.rank < self.best.rank
        if len(self.runs) < self._size or tape.rank < self.runs[-1].tape.rank:
            self.runs.append(Run.replay(tape))
            self.runs.sort(key=lambda run: run.tape.rank)
            del self.runs[self._size :]
        return is_best
