"""A show under the control of a keyboard."""

from collections.abc import Callable, Mapping
from typing import Final

import pygame

from qwop_wr.arena.playback import Playback
from qwop_wr.arena.show import Frame, Show

HINT: Final = (
    "space pause   left right one second   , . one tick   down up speed   R again   Esc close"
)
_SECOND: Final = 30
"""Ticks."""


class Watch:
    """Lets a show run, and stops, slows and rewinds it.

    Attributes:
        is_open: Whether the window stays open.
    """

    def __init__(self, show: Show) -> None:
        self.show = show
        self.playback = Playback()
        self.is_open = True
        self._commands: Mapping[int, Callable[[], None]] = {
            pygame.K_SPACE: self.playback.toggle,
            pygame.K_PERIOD: lambda: self._go(1, pause=True),
            pygame.K_COMMA: lambda: self._go(-1, pause=True),
            pygame.K_RIGHT: lambda: self._go(_SECOND),
            pygame.K_LEFT: lambda: self._go(-_SECOND),
            pygame.K_UP: lambda: self.playback.change_speed(1),
            pygame.K_DOWN: lambda: self.playback.change_speed(-1),
            pygame.K_r: lambda: self.show.rewind(0),
            pygame.K_ESCAPE: self._close,
        }

    def handle(self, event: pygame.event.Event) -> None:
        """Runs the command of a key."""
        if event.type == pygame.KEYDOWN and event.key in self._commands:
            self._commands[event.key]()

    def advance(self, seconds: float) -> None:
        """Plays the ticks that are due."""
        for _ in range(self.playback.due(seconds)):
            self.show.tick()

    def draw(self) -> Frame:
        """Draws this moment."""
        return self.show.draw(self.playback.status, HINT)

    def _go(self, ticks: int, pause: bool = False) -> None:
        if pause and not self.playback.is_paused:
            self.playback.toggle()
        if ticks < 0:
            self.show.rewind(self.show.ticks + ticks)
        for _ in range(ticks):
            self.show.tick()

    def _close(self) -> None:
        self.is_open = False
