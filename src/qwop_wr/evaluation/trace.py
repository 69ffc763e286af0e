"""What a tape looks like tick by tick, for pictures and tick-exact splits."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qwop_wr.evaluation.episodes import SPLIT_MARKS
from qwop_wr.simulator.constants import UNITS_PER_METRE
from qwop_wr.simulator.tape import Tape

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Trace:
    """A replayed run of T ticks.

    Attributes:
        keys: Masks of the keys held during each tick, shape (T,).
        clock: The game's clock after the reset and after each tick [s], shape (T + 1,).
        distance: The displayed distance at the same moments [m], shape (T + 1,).
        state: Parts' x, y, angle, vx, vy, angular velocity, shape (T + 1, 12, 6).
        hurdle: The same for hurdle base and top, shape (T + 1, 2, 6).
        finished: Whether the run landed in the sand pit.
    """

    keys: NDArray[np.uint8]
    clock: Floats
    distance: Floats
    state: Floats
    hurdle: Floats
    finished: bool

    @property
    def torso_x(self) -> Floats:
        """Where the torso was [m], not rounded as the display is, shape (T + 1,)."""
        return np.asarray(self.state[:, 0, 0] / UNITS_PER_METRE)

    def first(self, ticks: int) -> "Trace":
        """Cut the run.

        Args:
            ticks: Ticks that are left at most.

        Returns:
            The beginning of the run; the whole run if it is no longer.
        """
        if len(self.keys) <= ticks:
            return self
        moments = slice(ticks + 1)
        return Trace(
            keys=self.keys[:ticks],
            clock=self.clock[moments],
            distance=self.distance[moments],
            state=self.state[moments],
            hurdle=self.hurdle[moments],
            finished=False,
        )

    def first_passing(self, metres: float) -> int | None:
        """Find the first moment at which a distance was displayed.

        Args:
            metres: Distance [m].

        Returns:
            Its index into ``clock``; None if it was never reached.
        """
        passed = np.flatnonzero(self.distance >= metres)
        return int(passed[0]) if len(passed) else None

    def splits(self) -> Mapping[int, float]:
        """Read the clock at each mark that was passed; at 100 m, at the landing.

        Returns:
            Mark [m] to clock [s]. A run that did not finish has no split at 100 m.
        """
        clocks = {}
        for mark in SPLIT_MARKS[:-1]:
            moment = self.first_passing(mark)
            if moment is not None:
                clocks[mark] = float(self.clock[moment])
        if self.finished:
            clocks[SPLIT_MARKS[-1]] = float(self.clock[-1])
        return clocks


def trace_tape(tape: Tape) -> Trace:
    """Replay a tape and write everything down.

    Args:
        tape: Keys from a hard reset; played on the engine that recorded them.

    Returns:
        The run, up to its end or the end of the keys.
    """
    game = tape.simulator()
    keys = np.asarray(tape.per_tick_keys, dtype=np.uint8)
    clock, distance = [game.score_time[0]], [game.score[0]]
    state, hurdle = [game.state[0]], [game.hurdle[0]]
    for mask in keys:
        if game.ended[0]:
            break
        game.step(np.array([mask], dtype=np.uint8))
        clock.append(game.score_time[0])
        distance.append(game.score[0])
        state.append(game.state[0])
        hurdle.append(game.hurdle[0])
    return Trace(
        keys=keys[: len(clock) - 1],
        clock=np.array(clock),
        distance=np.array(distance),
        state=np.array(state),
        hurdle=np.array(hurdle),
        finished=bool(game.landed[0]),
    )
