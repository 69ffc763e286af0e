"""Metrics of a training: kept in order, and passed on while they come."""

from collections.abc import Mapping
from numbers import Real
from typing import Any

import pandas as pd
from stable_baselines3.common.logger import KVWriter

from qwop_wr.metric_sink import MetricSink


class MetricHistory(KVWriter):
    """Collects metrics, also as an output of SB3's logger.

    Args:
        sink: Where every metric is passed on to.
    """

    def __init__(self, sink: MetricSink) -> None:
        self._sink = sink
        self._rows: list[tuple[int, str, float]] = []

    def record(self, metrics: Mapping[str, float], step: int) -> None:
        """Keep metrics and pass them on.

        Args:
            metrics: Metrics by name.
            step: Decisions made so far.
        """
        self._rows.extend((step, name, value) for name, value in metrics.items())
        self._sink(metrics, step)

    def extend(self, before: pd.DataFrame) -> None:
        """Take in what a training recorded before it was stopped; nothing is passed on.

        Args:
            before: In the form of ``frame``.
        """
        self._rows += before[["step", "metric", "value"]].itertuples(index=False, name=None)

    def write(
        self,
        key_values: dict[str, Any],
        key_excluded: dict[str, tuple[str, ...]],
        step: int = 0,
    ) -> None:
        """Record what SB3's logger dumps; whatever is not a number is left out.

        Args:
            key_values: Values by name.
            key_excluded: Outputs that are to leave a name out, which ours never is.
            step: Decisions made so far.
        """
        numbers = {k: float(v) for k, v in key_values.items() if isinstance(v, Real)}
        self.record(numbers, step)

    def close(self) -> None:
        """Nothing to close."""

    def frame(self) -> pd.DataFrame:
        """Tabulate what was recorded.

        Returns:
            Columns ``step`` (int), ``metric`` (str), ``value`` (float), in order.
        """
        frame = pd.DataFrame(self._rows, columns=["step", "metric", "value"])
        return frame.astype({"step": "int64", "metric": "str", "value": "float64"})
