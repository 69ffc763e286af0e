"""A tape's run tick by tick, for pictures and tick-exact splits."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qwop_wr.evaluation.episodes import SPLIT_MARKS
from qwop_wr.simulator.base import Floats
from qwop_wr.simulator.constants import UNITS_PER_METRE
from qwop_wr.simulator.tape import Tape


@dataclass(frozen=True)
class Trajectory:
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
        """Position of the torso [m], not rounded like the display, shape (T + 1,)."""
        return np.asarray(self.state[:, 0, 0] / UNITS_PER_METRE)

    def first(self, ticks: int) -> "Trajectory":
        """Returns the first ``ticks`` of the run."""
        if len(self.keys) <= ticks:
            return self
        moments = slice(ticks + 1)
        return Trajectory(
            keys=self.keys[:ticks],
            clock=self.clock[moments],
            distance=self.distance[moments],
            state=self.state[moments],
            hurdle=self.hurdle[moments],
            finished=False,
        )

    def first_passing(self, metres: float) -> int | None:
        """Returns the index into ``clock`` when a distance was first displayed; None if never."""
        passed = np.flatnonzero(self.distance >= metres)
        return int(passed[0]) if len(passed) else None

    def splits(self) -> Mapping[int, float]:
        """Returns the clock [s] at each mark [m] passed, at 100 m that of the landing."""
        clocks = {}
        for mark in SPLIT_MARKS[:-1]:
            moment = self.first_passing(mark)
            if moment is not None:
                clocks[mark] = float(self.clock[moment])
        if self.finished:
            clocks[SPLIT_MARKS[-1]] = float(self.clock[-1])
        return clocks


def tape_trajectory(tape: Tape) -> Trajectory:
    """Replays a tape, up to the end of the run or of the keys, and records every tick."""
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
    return Trajectory(
        keys=keys[: len(clock) - 1],
        clock=np.array(clock),
        distance=np.array(distance),
        state=np.array(state),
        hurdle=np.array(hurdle),
        finished=bool(game.landed[0]),
    )
