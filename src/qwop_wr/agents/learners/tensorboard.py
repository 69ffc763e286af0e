"""Metrics for TensorBoard, if it is installed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec

from qwop_wr.metric_sink import MetricSink


def is_installed() -> bool:
    """Tell whether event files can be written."""
    return find_spec("tensorboard") is not None


@contextmanager
def also_to_tensorboard(sink: MetricSink, folder: str | None) -> Iterator[MetricSink]:
    """Write metrics to event files, too, while the block runs.

    Args:
        sink: Receives them as well.
        folder: Where the files go; none are written without it.

    Yields:
        Sink for metrics by name and step.
    """
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
