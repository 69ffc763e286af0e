"""The table of a study: a row per experiment, with intervals over its seeds; and its curves."""

from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy import stats

from qwop_wr.errors import BadInputError
from qwop_wr.pipelines.experiments.options import Experiments, Study
from qwop_wr.pipelines.reporting.style import SERIES, drawing
from qwop_wr.pipelines.reporting.tables import markdown_table

Cell = dict[str, Any]
"""Results of a run, by name."""
Cells = Mapping[str, Callable[[], Cell]]
"""Functions that load cells, by ``experiment/seed``."""


class Measure(NamedTuple):
    """A number of every cell to aggregate.

    Attributes:
        name: Its key in the cells.
        form: Format string with the unit.
        factor: Multiplier before formatting.
    """

    name: str
    title: str
    form: str
    factor: float = 1.0


MEASURES: Final = (
    Measure("steps", "steps", "{:,.0f}"),
    Measure("gradient_steps_per_target", "gradient steps per target", "{:,.0f}"),
    Measure("best_evaluated_distance", "best mean distance", "{:.1f} m"),
    Measure("last_evaluated_distance", "last mean distance", "{:.1f} m"),
    Measure("last_value", "last value", "{:,.1f}"),
    Measure("finish_rate", "finish rate", "{:.1f} %", 100.0),
    Measure("median_time", "median time", "{:.2f} s"),
    Measure("mean_distance", "mean distance", "{:.1f} m"),
    Measure("mean_cost", "mean cost", "{:.1f} s"),
    Measure("mean_knee_near_ground", "a knee near the ground", "{:.0f} %", 100.0),
    Measure("last_finish_rate", "finish rate at the end", "{:.1f} %", 100.0),
    Measure("rollbacks", "rollbacks", "{:.1f}"),
    Measure("processor_seconds", "processor time", "{:.1f} min", 1 / 60),
    Measure("minutes", "minutes", "{:.1f}"),
)
"""Columns of the table; those without any value are left out."""

_CURVES: Final = {
    "evaluation/mean_distance": "mean distance [m]",
    "train/value": "mean target of a batch",
}
"""Metrics and their axes' labels; not every algorithm reports values."""


class Table(NamedTuple):
    """A row per experiment.

    Attributes:
        frame: For every measure the interquartile mean over the seeds
            (https://arxiv.org/abs/2108.13264) and its bootstrap interval.
        markdown: The same as text, with hypotheses and original outcomes below.
        rows: Its ``columns`` and ``rows`` as texts, for the report.
    """

    frame: pd.DataFrame
    markdown: str
    rows: dict[str, Any]


def tabulate(cells: Cells, experiments: Experiments, study: Study) -> Table:
    """Summarise the runs of every experiment.

    Args:
        cells: Results by ``experiment/seed``.
        study: Which are compared, with which seeds, and how intervals are made.

    Raises:
        BadInputError: If an experiment has not been run at all.
    """
    loaded = {
        name: [cells[key]() for key in study.keys(name) if key in cells]
        for name in study.experiments
    }
    for name, mine in loaded.items():
        if not mine:
            raise BadInputError(f"experiment {name!r} has not been trained yet")
    shown = [
        measure
        for measure in MEASURES
        if any(cell.get(measure.name) is not None for mine in loaded.values() for cell in mine)
    ]
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        [
            {
                "experiment": name,
                "algorithm": mine[0]["algorithm"],
                "seeds": len(mine),
                "diverged": sum(cell.get("diverged_at") is not None for cell in mine),
                **_estimates(pd.DataFrame(mine), shown, study, rng),
            }
            for name, mine in loaded.items()
        ]
    )
    columns = ["experiment", "algorithm", "seeds", *(measure.title for measure in shown)]
    rows = [_texts(row, shown) for row in frame.to_dict("records")]
    notes = "".join(f"\n{_note(experiments, name)}\n" for name in study.experiments)
    return Table(
        frame,
        markdown_table(columns, rows, n_texts=2) + "\n" + notes,
        {"columns": columns, "rows": rows},
    )


def draw_curves(histories: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw evaluated distance and the learner's value estimates against steps, a line per run."""
    with drawing():
        known = {metric for history in histories.values() for metric in history["metric"].unique()}
        shown = {metric: label for metric, label in _CURVES.items() if metric in known}
        figure = Figure(figsize=(9.0, 2.8 * len(shown)), layout="constrained")
        panels = figure.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
        for axes, (metric, label) in zip(panels, shown.items(), strict=True):
            colours = cycle(SERIES)
            styles = ["-", "--", ":", "-."]
            for index, (name, history) in enumerate(histories.items()):
                rows = history[history["metric"] == metric]
                axes.plot(
                    rows["step"],
                    rows["value"],
                    color=next(colours),
                    linestyle=styles[index // len(SERIES) % len(styles)],
                    label=name,
                )
            axes.set_ylabel(label)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, fontsize=8, handlelength=3.5, loc="outside right upper")
        panels[-1].set_xlabel("steps of the training, all games together")
        return figure


def _estimates(
    mine: pd.DataFrame, measures: Sequence[Measure], study: Study, rng: np.random.Generator
) -> dict[str, float]:
    found: dict[str, float] = {}
    for name in (measure.name for measure in measures):
        values = mine[name].dropna().to_numpy(float) if name in mine else np.array([])
        low, mean, high = _estimate(values, study, rng)
        found |= {name: mean, f"{name}_low": low, f"{name}_high": high}
    return found


def _estimate(
    values: np.ndarray[Any, Any], study: Study, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Low end, interquartile mean and high end; NaN without data."""
    if len(values) == 0:
        return np.nan, np.nan, np.nan
    mean = float(stats.trim_mean(values, 0.25))
    if len(values) == 1:
        return np.nan, mean, np.nan
    interval = stats.bootstrap(
        (values,),
        lambda sample, axis: stats.trim_mean(sample, 0.25, axis=axis),
        n_resamples=study.resamples,
        confidence_level=study.confidence_level,
        method="percentile",
        rng=rng,
    ).confidence_interval
    return float(interval.low), mean, float(interval.high)


def _texts(row: Mapping[Any, Any], measures: Sequence[Measure]) -> list[str]:
    """Cells of a row as formatted text."""
    texts = [str(row["experiment"]), str(row["algorithm"]), str(row["seeds"])]
    for name, _, form, factor in measures:
        low, mean, high = (row[f"{name}{end}"] for end in ("_low", "", "_high"))
        if np.isnan(mean):
            texts.append("none")
            continue
        text = form.format(factor * mean)
        if not np.isnan(low):
            bounds = [form.format(factor * end).split()[0] for end in (low, high)]
            text += f" ({bounds[0]} to {bounds[1]})"
        texts.append(text)
    return texts


def _note(experiments: Experiments, name: str) -> str:
    experiment = experiments.named(name)
    parts = [f"**{name}**: {experiment.hypothesis}"]
    if experiment.outcome is not None:
        parts.append(f"Originally: {experiment.outcome}")
    if experiment.source is not None:
        parts.append(f"({experiment.source})")
    return " ".join(parts)
