"""When a training gives its state out, and how it gets out of SB3's loop to do so."""

import time
from collections.abc import Callable

from stable_baselines3.common.callbacks import BaseCallback

from qwop_wr.stopping import stop_requested


class SavePoints:
    """Says when the state of a training is due; whatever asks first decides.

    Args:
        every: Decisions between two states, if they count.
        minutes: Time between two states, if it counts [min].
        now: Monotonic clock [s].
    """

    def __init__(
        self,
        every: int | None,
        minutes: float | None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._every = every
        self._seconds = None if minutes is None else 60.0 * minutes
        self._now = now
        self._last_step, self._last_time = 0, now()

    def due(self, step: int) -> bool:
        """Tell whether a state is due, also because a stop was requested.

        Args:
            step: Decisions made so far.
        """
        if stop_requested():
            return True
        if self._every is not None and step - self._last_step >= self._every:
            return True
        return self._seconds is not None and self._now() - self._last_time >= self._seconds

    def passed(self, step: int) -> None:
        """Count from here on.

        Args:
            step: Decisions made so far.
        """
        self._last_step, self._last_time = step, self._now()


class TrainingPause(Exception):  # noqa: N818 - it is no error
    """Leaves SB3's ``learn`` between two updates, where nothing is half done."""


class PauseCallback(BaseCallback):
    """Pauses a training when its state is due.

    Args:
        points: When that is.
    """

    def __init__(self, points: SavePoints) -> None:
        super().__init__()
        self._points = points

    def _on_rollout_start(self) -> None:
        if self._points.due(self.num_timesteps):
            raise TrainingPause

    def _on_step(self) -> bool:
        return True
