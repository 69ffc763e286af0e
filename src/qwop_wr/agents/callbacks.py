"""What watches a training: its clock, its metrics, its progress bar."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.logger import Logger
from tqdm import tqdm

from qwop_wr.agents.budget import BudgetClock
from qwop_wr.agents.metrics import MetricHistory

N_RECENT_EPISODES = 100
"""Training episodes that an average is taken over."""


def history_logger(history: MetricHistory) -> Logger:
    """Make an SB3 logger that writes to a history alone.

    Args:
        history: Receives the metrics.

    Returns:
        Logger for ``set_logger``.
    """
    return Logger(folder=None, output_formats=[history])


class BudgetCallback(BaseCallback):
    """Stops a learner when its budget is used up, between two updates.

    Args:
        clock: The running budget.
    """

    def __init__(self, clock: BudgetClock) -> None:
        super().__init__()
        self._clock = clock
        self._spent = False

    def _on_rollout_start(self) -> None:
        self._spent = self._clock.progress(self.num_timesteps) >= 1.0

    def _on_step(self) -> bool:
        return not self._spent


class EveryCallback(BaseCallback):
    """Calls something every so many steps, between two updates.

    Args:
        action: What to call.
        every: Steps between two calls.
        done: Steps made before this training.
    """

    def __init__(self, action: Callable[[], None], every: int, done: int = 0) -> None:
        super().__init__()
        self._action = action
        self._every = every
        self._called_at = done

    def _on_rollout_start(self) -> None:
        if self.num_timesteps - self._called_at >= self._every:
            self._called_at = self.num_timesteps
            self._action()

    def _on_step(self) -> bool:
        return True


class RecentEpisodes(BaseCallback):
    """Remembers how the latest training episodes ended."""

    def __init__(self) -> None:
        super().__init__()
        self._infos: deque[Mapping[str, Any]] = deque(maxlen=N_RECENT_EPISODES)

    def _on_step(self) -> bool:
        ended = np.flatnonzero(self.locals["dones"])
        self._infos.extend(self.locals["infos"][game] for game in ended)
        return True

    def metrics(self) -> dict[str, float]:
        """Average over them.

        Returns:
            ``finish_rate``, ``distance_mean`` [m] and, if a run has finished,
            ``finish_time_mean`` [s]; nothing before the first end.
        """
        if not self._infos:
            return {}
        times = [float(info["score_time"]) for info in self._infos if info["finished"]]
        metrics = {
            "finish_rate": len(times) / len(self._infos),
            "distance_mean": float(np.mean([info["distance"] for info in self._infos])),
        }
        if times:
            metrics["finish_time_mean"] = float(np.mean(times))
        return metrics


class MetricsCallback(BaseCallback):
    """Adds what recent training episodes came to, and dumps the logger.

    Args:
        episodes: The recent episodes.
        every: Steps between two dumps.
    """

    def __init__(self, episodes: RecentEpisodes, every: int) -> None:
        super().__init__()
        self._episodes = episodes
        self._every = every
        self._dumped_at = 0

    def _on_rollout_start(self) -> None:
        # The learner's own metrics are complete only after its update.
        if self.num_timesteps - self._dumped_at >= self._every:
            self._dump()

    def _on_step(self) -> bool:
        return True

    def _on_training_end(self) -> None:
        self._dump()

    def _dump(self) -> None:
        self._dumped_at = self.num_timesteps
        for name, value in self._episodes.metrics().items():
            self.logger.record(f"rollout/{name}", value)
        self.model.dump_logs()


class ProgressBarCallback(BaseCallback):
    """Shows steps, rate, remaining time and recent episodes on stderr.

    Args:
        clock: The running budget.
        episodes: The recent episodes.
        notes: Shown first; the owner may change them at any time.
    """

    def __init__(
        self, clock: BudgetClock, episodes: RecentEpisodes, notes: Mapping[str, str]
    ) -> None:
        super().__init__()
        self._clock = clock
        self._episodes = episodes
        self._notes = notes
        self._bar: tqdm[Any] | None = None

    def _on_training_start(self) -> None:
        if self._bar is None:
            first = self.num_timesteps
            self._bar = tqdm(desc="training", unit=" steps", unit_scale=True, initial=first)

    def _on_step(self) -> bool:
        if self._bar is not None:
            self._bar.update(self.num_timesteps - self._bar.n)
        return True

    def _on_rollout_end(self) -> None:
        if self._bar is not None:
            progress = self._clock.progress(self.num_timesteps)
            self._bar.total = round(self.num_timesteps / progress) if progress else None
            recent = {k: f"{v:.3g}" for k, v in self._episodes.metrics().items()}
            self._bar.set_postfix({**self._notes, **recent}, refresh=False)

    def close(self) -> None:
        """Leave the bar as it stands; also after an error."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


@contextmanager
def training_callbacks(
    clock: BudgetClock,
    watchers: Sequence[BaseCallback],
    log_every: int,
    progress_bar: bool,
    notes: Mapping[str, str] | None = None,
) -> Iterator[CallbackList]:
    """Gather the callbacks of a training and close its bar, however it ends.

    Args:
        clock: The running budget.
        watchers: Look at the learner between its updates.
        log_every: Steps between two dumps of the metrics.
        progress_bar: Whether to show a bar.
        notes: What the bar shows besides; the owner may change them at any time.

    Yields:
        Callbacks for ``learn``.
    """
    episodes = RecentEpisodes()
    bar = ProgressBarCallback(clock, episodes, notes or {}) if progress_bar else None
    callbacks: list[BaseCallback] = [episodes, MetricsCallback(episodes, log_every)]
    callbacks += [*watchers, BudgetCallback(clock), *([bar] if bar else [])]
    try:
        yield CallbackList(callbacks)
    finally:
        if bar:
            bar.close()
