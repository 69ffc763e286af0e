"""What watches a training: its clock, its metrics, its progress bar."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from pydantic import JsonValue
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.logger import Logger
from tqdm import tqdm

from qwop_wr.agents.budget import BudgetClock
from qwop_wr.agents.episodes import SHAPING, RecentEpisodes
from qwop_wr.agents.metrics import MetricHistory


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


class EpisodesCallback(BaseCallback):
    """Remembers how the latest training episodes ended.

    Args:
        episodes: Receives them.
    """

    def __init__(self, episodes: RecentEpisodes) -> None:
        super().__init__()
        self._episodes = episodes

    def _on_step(self) -> bool:
        for game in np.flatnonzero(self.locals["dones"]).tolist():
            self._episodes.add(self.locals["infos"][game])
        return True


class MetricsCallback(BaseCallback):
    """Adds what recent training episodes came to, and dumps the logger.

    Args:
        every: Steps between two dumps.

    Attributes:
        episodes: The recent episodes; another callback adds them.
    """

    def __init__(self, every: int) -> None:
        super().__init__()
        self.episodes = RecentEpisodes()
        self._every = every
        self._dumped_at = 0

    def state(self) -> dict[str, JsonValue]:
        """Tell what the next dumps follow from.

        Returns:
            JSON for :meth:`restore`.
        """
        return {"dumped_at": self._dumped_at, "episodes": self.episodes.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state.

        Args:
            state: What :meth:`state` gave.
        """
        self._dumped_at = state["dumped_at"]
        self.episodes.restore(state["episodes"])

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
        for name, value in self.episodes.metrics().items():
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
            metrics = self._episodes.metrics().items()
            recent = {k: f"{v:.3g}" for k, v in metrics if not k.startswith(SHAPING)}
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
    metrics: MetricsCallback,
    progress_bar: bool,
    notes: Mapping[str, str] | None = None,
) -> Iterator[CallbackList]:
    """Gather the callbacks of a training and close its bar, however it ends.

    Args:
        clock: The running budget.
        watchers: Look at the learner between its updates.
        metrics: Dumps the metrics.
        progress_bar: Whether to show a bar.
        notes: What the bar shows besides; the owner may change them at any time.

    Yields:
        Callbacks for ``learn``, which may be called several times.
    """
    bar = ProgressBarCallback(clock, metrics.episodes, notes or {}) if progress_bar else None
    episodes = EpisodesCallback(metrics.episodes)
    callbacks: list[BaseCallback] = [episodes, metrics, *watchers, BudgetCallback(clock)]
    callbacks += [bar] if bar else []
    try:
        yield CallbackList(callbacks)
    finally:
        if bar:
            bar.close()
