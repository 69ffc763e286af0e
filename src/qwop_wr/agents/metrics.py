"""Metrics of a training: recent episodes, history, TensorBoard and the progress bar."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
import pandas as pd
from pydantic import JsonValue
from tqdm import tqdm

from qwop_wr.metric_sink import MetricSink

SHAPING: Final = "shaping/"
"""Prefix of the infos and metrics of a shaped reward's terms."""
_REMEMBERED: Final = ("distance", "finished", "score_time", "reward")


class RecentEpisodes:
    """Averages over the latest ``size`` episodes."""

    def __init__(self, size: int = 100) -> None:
        self._rows: deque[Mapping[str, float]] = deque(maxlen=size)

    def add(self, info: Mapping[str, Any]) -> None:
        """Adds an episode by the infos of its last step.

        They hold ``distance`` [m], ``finished``, ``score_time`` [s], the return as ``reward``
        or, as SB3 has it, ``episode``, and the sum of every term of a shaped reward as
        ``shaping/<name>``; others are ignored.
        """
        monitored = {"reward": info["episode"]["r"]} if "episode" in info else {}
        self._rows.append(
            {
                name: float(value)
                for name, value in {**info, **monitored}.items()
                if name in _REMEMBERED or name.startswith(SHAPING)
            }
        )

    def metrics(self) -> dict[str, float]:
        """Averages over the latest episodes; empty before the first end.

        Returns:
            ``finish_rate``, ``distance_mean`` [m], ``reward_mean``, ``finish_time_mean`` [s]
            if a run has finished, and the mean of every term, ``shaping/<name>``.
        """
        if not self._rows:
            return {}
        times = [row["score_time"] for row in self._rows if row["finished"]]
        metrics = {"finish_rate": len(times) / len(self._rows)}
        averaged = {"distance_mean": "distance", "reward_mean": "reward"}
        averaged |= {name: name for name in self._rows[-1] if name.startswith(SHAPING)}
        for metric, name in averaged.items():
            metrics[metric] = float(np.mean([row[name] for row in self._rows]))
        if times:
            metrics["finish_time_mean"] = float(np.mean(times))
        return metrics

    def state(self) -> list[JsonValue]:
        """Returns the episodes as JSON for :meth:`restore`."""
        return [dict(row) for row in self._rows]

    def restore(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Restores the episodes from :meth:`state`."""
        self._rows.clear()
        self._rows.extend(rows)


class MetricHistory:
    """Records metrics in order and passes each on to ``sink``."""

    def __init__(self, sink: MetricSink) -> None:
        self._sink = sink
        self._rows: list[tuple[int, str, float]] = []

    def record(self, metrics: Mapping[str, float], step: int) -> None:
        """Records metrics of the training after ``step`` decisions and passes them on."""
        self._rows.extend((step, name, value) for name, value in metrics.items())
        self._sink(metrics, step)

    def extend(self, before: pd.DataFrame) -> None:
        """Adds metrics recorded before a stop, as in ``frame``, without passing them on."""
        self._rows += before[["step", "metric", "value"]].itertuples(index=False, name=None)

    def frame(self) -> pd.DataFrame:
        """Returns columns ``step`` (int), ``metric`` (str) and ``value`` (float), in order."""
        frame = pd.DataFrame(self._rows, columns=["step", "metric", "value"])
        return frame.astype({"step": "int64", "metric": "str", "value": "float64"})


def tensorboard_is_installed() -> bool:
    """Returns whether event files can be written."""
    return find_spec("tensorboard") is not None


@contextmanager
def also_to_tensorboard(sink: MetricSink, folder: str | None) -> Iterator[MetricSink]:
    """Yields a sink that also writes to TensorBoard; without a folder, ``sink`` itself."""
    if folder is None:
        yield sink
        return
    from torch.utils.tensorboard.writer import SummaryWriter  # noqa: PLC0415 (may be missing)

    with SummaryWriter(folder) as writer:

        def both(metrics: Mapping[str, float], step: int) -> None:
            sink(metrics, step)
            for name, value in metrics.items():
                writer.add_scalar(name, value, step)

        yield both


class ProgressBar:
    """Steps, rate and recent episodes on stderr, if ``is_shown``."""

    def __init__(self, is_shown: bool) -> None:
        self._is_shown, self._bar = is_shown, tqdm(disable=True)
        self._notes: dict[str, str] = {}

    def __enter__(self) -> "ProgressBar":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def begin(self, first: int, desc: str) -> None:
        """Begins a new bar, ``first`` steps along."""
        self._bar.close()
        self._bar = tqdm(
            desc=desc, unit=" steps", unit_scale=True, initial=first, disable=not self._is_shown
        )

    def note(self, **times: float | None) -> None:
        """Shows times [s] by name from now on; None is left out."""
        self._notes |= {name: f"{time:.2f} s" for name, time in times.items() if time is not None}

    def show(self, steps: int, progress: float, episodes: RecentEpisodes) -> None:
        """Moves the bar to ``steps``; ``progress`` is the share of the training that is over."""
        if not self._is_shown:
            return
        recent = episodes.metrics().items()
        notes = self._notes | {k: f"{v:.3g}" for k, v in recent if not k.startswith(SHAPING)}
        self._bar.total = round(steps / progress) if progress else None
        self._bar.set_postfix(notes, refresh=False)
        self._bar.update(steps - self._bar.n)
