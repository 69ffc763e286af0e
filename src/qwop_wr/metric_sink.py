"""The callback that receives metrics; light to import, for learning and tracking alike."""

from collections.abc import Callable, Mapping

MetricSink = Callable[[Mapping[str, float], int], None]
"""Receives metrics by name and the step they belong to."""


def silent_sink(metrics: Mapping[str, float], step: int) -> None:
    """Drop metrics."""
