"""How the latest training episodes ended."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from pydantic import JsonValue

SHAPING: Final = "shaping/"
"""Infos and metrics of a shaped reward's terms begin with it."""
_REMEMBERED: Final = ("distance", "finished", "score_time", "reward")


class RecentEpisodes:
    """Remembers the latest episodes and averages over them.

    Args:
        size: Episodes that an average is taken over.
    """

    def __init__(self, size: int = 100) -> None:
        self._rows: deque[Mapping[str, float]] = deque(maxlen=size)

    def add(self, info: Mapping[str, Any]) -> None:
        """Take in an episode.

        Args:
            info: The infos of its last step: ``distance`` [m], ``finished``, ``score_time``
                [s], its return as ``reward`` or, as SB3 has it, ``episode``, and the sum of
                every term of a shaped reward as ``shaping/<name>``. Others are not looked at.
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
        """Average over them.

        Returns:
            ``finish_rate``, ``distance_mean`` [m], ``reward_mean``, if a run has finished
            ``finish_time_mean`` [s], and the mean of every term, ``shaping/<name>``; nothing
            before the first end.
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
        """Tell how they ended, as JSON for :meth:`restore`."""
        return [dict(row) for row in self._rows]

    def restore(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Go on from a state.

        Args:
            rows: What :meth:`state` gave.
        """
        self._rows.clear()
        self._rows.extend(rows)
