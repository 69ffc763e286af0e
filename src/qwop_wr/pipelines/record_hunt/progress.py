"""What a hunt shows while it lasts."""

from collections.abc import Iterable, Iterator

from tqdm import tqdm

from qwop_wr.metric_sink import MetricSink
from qwop_wr.search.hunt import HuntStep


def shown(steps: Iterable[HuntStep], sink: MetricSink) -> Iterator[HuntStep]:
    """Pass the steps of a hunt on, with a live line on stderr and live metrics.

    Args:
        steps: The hunt.
        sink: Receives the best time so far and the clones per second, by the
            second of the hunt.

    Yields:
        The same steps.
    """
    clones = 0
    with tqdm(desc="hunt", unit=" clones", unit_scale=True) as line:
        for step in steps:
            line.update(step.clones - clones)
            clones = step.clones
            metrics = {"clones_per_second": step.clones / step.seconds, "width": step.width}
            if step.best is not None:
                metrics["best_time"] = step.best.score_time
                line.set_postfix(best=f"{step.best.score_time:.2f} s", width=step.width)
            if step.result.tape.finished:
                metrics["found_time"] = step.result.tape.score_time
            sink(metrics, int(step.seconds))
            yield step
