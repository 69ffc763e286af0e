"""The game itself, for somebody with four keys."""

from collections.abc import Callable
from typing import Final

import pygame

from qwop_wr.arena.playback import Playback
from qwop_wr.arena.runners import HeldKeys, Runner
from qwop_wr.arena.show import Frame, compared, draw_runner
from qwop_wr.envs.rendering import Overlay
from qwop_wr.simulator import DEFAULT_PLATFORM
from qwop_wr.simulator.keys import O, P, Q, W

HINT: Final = "Q W thighs   O P calves   R again   Esc close"
_META: Final = {"made_by": "qwop play", "player": "human", "protocol": "native"}
_BITS: Final = {pygame.K_q: Q, pygame.K_w: W, pygame.K_o: O, pygame.K_p: P}


class Play:
    """A run that somebody plays in real time; the clock starts with the first key.

    Args:
        on_end: Called with the runner when a run has ended by itself. If given, every
            run starts on a fresh page, so that its keys alone repeat it; otherwise a
            new run goes on with the used world, as in the game.
        engine: Engine to run on.
        platform: Platform to run on, if the engine knows platforms.

    Attributes:
        is_open: Whether the window stays open.
        runs: Runs that have ended by themselves.
    """

    def __init__(
        self,
        on_end: Callable[[Runner], None] | None = None,
        engine: str = "exact",
        platform: str = DEFAULT_PLATFORM,
    ) -> None:
        self._keys = HeldKeys()
        self.runner = Runner("you", self._keys, engine, _META, platform)
        self.is_open = True
        self.runs = 0
        self._on_end = on_end
        self._has_started = False
        self._playback = Playback()
        self._best = 0.0

    def handle(self, event: pygame.event.Event) -> None:
        """Presses and releases keys, begins anew or closes."""
        if event.type == pygame.KEYDOWN and event.key in _BITS:
            self._keys.press(_BITS[event.key])
            self._has_started = True
        elif event.type == pygame.KEYUP and event.key in _BITS:
            self._keys.release(_BITS[event.key])
        elif event.type == pygame.WINDOWFOCUSLOST:
            self._keys.release_all()
        elif event.type == pygame.KEYDOWN and event.key == pygame.K_r:
            self._again()
        elif event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE:
            self.is_open = False

    def advance(self, seconds: float) -> None:
        """Plays the ticks that are due."""
        if not self._has_started or self.runner.ended:
            return
        for _ in range(self._playback.due(seconds)):
            self.runner.tick()
        self._best = max(self._best, self.runner.score)
        if self.runner.ended:
            self.runs += 1
            if self._on_end is not None:
                self._on_end(self.runner)

    def draw(self) -> Frame:
        """Draws this moment."""
        runner = self.runner
        title = subtitle = ""
        if runner.finished:
            title, subtitle = f"Finished: {runner.result}", compared(runner.clock)
        elif runner.ended:
            title, subtitle = f"You {runner.result}", "R runs again"
        elif not self._has_started:
            title, subtitle = "On your marks", "Q, W, O or P starts the clock"
        status = f"best {self._best:.1f} m" if self.runs else ""
        return draw_runner(runner, Overlay("", status, HINT, title, subtitle))

    def _again(self) -> None:
        self.runner.reset(soft=self._on_end is None)
        self._keys.release_all()
        self._has_started = False
        self._playback = Playback()
