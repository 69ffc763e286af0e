"""Speed of a show: pause, slow motion, single ticks."""

from typing import Final

from qwop_wr.simulator.constants import CLOCK_STEP

SPEEDS: Final = {
    0.1: "1/10 speed",
    0.25: "1/4 speed",
    0.5: "1/2 speed",
    1.0: "",
    2.0: "2 x",
    4.0: "4 x",
}
"""Speeds by their factor, and what is shown for them."""

_LONGEST_GAP: Final = 0.25
"""Most time that is caught up at once [s]; a window that was held up goes on from there."""


class Playback:
    """Turns seconds that pass into ticks that are due."""

    def __init__(self) -> None:
        self.is_paused = False
        self._factors = tuple(SPEEDS)
        self._index = self._factors.index(1.0)
        self._owed = 0.0

    @property
    def speed(self) -> float:
        """Ticks per tick of real time."""
        return self._factors[self._index]

    @property
    def status(self) -> str:
        """State in words; empty at normal speed."""
        return "paused" if self.is_paused else SPEEDS[self.speed]

    def toggle(self) -> None:
        """Pauses, or goes on."""
        self.is_paused = not self.is_paused
        self._owed = 0.0

    def change_speed(self, steps: int) -> None:
        """Goes some steps along :data:`SPEEDS`."""
        self._index = min(max(self._index + steps, 0), len(self._factors) - 1)

    def due(self, seconds: float) -> int:
        """Returns the ticks to play now, given the real time since the last call [s]."""
        if self.is_paused:
            return 0
        self._owed += min(seconds, _LONGEST_GAP) * self.speed / CLOCK_STEP
        ticks = int(self._owed)
        self._owed -= ticks
        return ticks
