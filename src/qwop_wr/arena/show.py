"""One runner close by, or several in lanes, with the pace to beat."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from qwop_wr.arena.runners import Runner
from qwop_wr.envs.rendering import MAX_LANES, Overlay, Pace, draw_game, draw_race
from qwop_wr.evaluation.references import HUMAN_RECORD, HUMAN_SPLITS
from qwop_wr.simulator.constants import CLOCK_STEP

Frame = NDArray[np.uint8]


def human_pace(clock: float) -> Pace:
    """Returns the human record's position at a time [s], linear between its video's splits."""
    marks, splits = [0, *HUMAN_SPLITS], [0.0, *HUMAN_SPLITS.values()]
    metres = float(np.interp(clock, splits, marks))
    return Pace(metres, f"human record {HUMAN_RECORD.seconds:.2f} s")


def compared(clock: float) -> str:
    """Compares a finish with the human record, in words."""
    difference = clock - HUMAN_RECORD.seconds
    side = "behind" if difference > 0 else "ahead of"
    return f"{abs(difference):.2f} s {side} the human record"


def draw_runner(runner: Runner, overlay: Overlay) -> Frame:
    """Draws a runner close by, with the human record's pace."""
    game = runner.simulator
    return draw_game(
        game.state[0],
        game.hurdle[0],
        runner.score,
        runner.clock,
        runner.held,
        pace=human_pace(runner.clock),
        overlay=overlay,
    )


class Show:
    """Runners, 1 to :data:`MAX_LANES`, that started together.

    Attributes:
        ticks: Ticks since the start.

    Raises:
        ValueError: If there are no or too many runners.
    """

    def __init__(self, runners: Sequence[Runner]) -> None:
        if not 1 <= len(runners) <= MAX_LANES:
            raise ValueError(f"1 to {MAX_LANES} runners can start together, got {len(runners)}")
        self.runners = tuple(runners)
        self.ticks = 0

    @property
    def ended(self) -> bool:
        """Whether every run has ended."""
        return all(runner.ended for runner in self.runners)

    @property
    def clock(self) -> float:
        """The clock that all share [s]."""
        return (self.ticks + 1) * CLOCK_STEP

    def tick(self) -> None:
        """Plays one tick of every run that has not ended."""
        for runner in self.runners:
            runner.tick()
        self.ticks = max(len(runner.played) for runner in self.runners)

    def rewind(self, ticks: int) -> None:
        """Goes back to a number of ticks after the start."""
        for runner in self.runners:
            runner.rewind(ticks)
        self.ticks = max(len(runner.played) for runner in self.runners)

    def draw(self, status: str = "", hint: str = "") -> Frame:
        """Draws this moment, with the window's state and its keys in words."""
        if len(self.runners) > 1:
            lanes = [runner.lane() for runner in self.runners]
            return draw_race(
                lanes, self.clock, human_pace(self.clock), Overlay(status=status, hint=hint)
            )
        (runner,) = self.runners
        title = f"Finished: {runner.result}" if runner.finished else runner.result.capitalize()
        subtitle = compared(runner.clock) if runner.finished else ""
        return draw_runner(runner, Overlay(runner.name, status, hint, title, subtitle))

    def frames(self, first: int, last: int, every: int) -> Iterator[Frame]:
        """Draws the run from its start, without a window.

        Args:
            first: First tick to be drawn.
            last: Last tick to be drawn, if the runs last that long.
            every: Ticks from one picture to the next.

        Yields:
            The images; the last one shows how it ended, if that is in the range.
        """
        self.rewind(0)
        while self.ticks < first and not self.ended:
            self.tick()
        while True:
            yield self.draw()
            if self.ended or self.ticks >= last:
                return
            for _ in range(every):
                self.tick()
