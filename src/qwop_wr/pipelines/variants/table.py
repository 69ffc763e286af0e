"""Summing the trainings of every variant up."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from qwop_wr.errors import BadInputError
from qwop_wr.pipelines.variants.cells import StoredCells
from qwop_wr.pipelines.variants.options import VariantsOptions


class Measure(NamedTuple):
    """A number of every cell that is summed up.

    Attributes:
        name: Its key in the cells.
        head: Its title.
        form: How it is written, with its unit.
        factor: What it is multiplied by for that.
    """

    name: str
    head: str
    form: str
    factor: float = 1.0


class Table(NamedTuple):
    """A row per variant.

    Attributes:
        frame: For every measure the interquartile mean over the seeds
            (https://arxiv.org/abs/2108.13264) and its bootstrap interval.
        markdown: The same as text.
        shown: Its ``columns`` and ``rows`` as texts, for the report.
    """

    frame: pd.DataFrame
    markdown: str
    shown: dict[str, Any]


def tabulate(
    pipeline: str, cells: StoredCells, options: VariantsOptions, measures: Sequence[Measure]
) -> Table:
    """Sum the trainings of every variant up.

    Args:
        pipeline: Name of the pipeline, for messages.
        cells: Trained cells by ``variant/seed``.
        options: The variants, and how intervals are made.
        measures: What is summed up.

    Returns:
        The table.

    Raises:
        BadInputError: If a variant has not been trained at all.
    """
    loaded = pd.DataFrame([load() for _, load in sorted(cells.items())])
    rng = np.random.default_rng(0)
    rows = []
    for name in options.names:
        mine = loaded[(loaded["variant"] == name) & loaded["seed"].isin(options.seeds)]
        if mine.empty:
            raise BadInputError(f"{pipeline}: variant {name!r} has not been trained yet")
        row: dict[str, Any] = {"variant": name, "seeds": len(mine)}
        for measure in (measure.name for measure in measures):
            low, mean, high = _estimate(mine[measure].dropna().to_numpy(float), options, rng)
            row |= {measure: mean, f"{measure}_low": low, f"{measure}_high": high}
        rows.append(row)
    frame = pd.DataFrame(rows)
    columns, texts = _as_texts(frame, measures)
    return Table(frame, _as_markdown(columns, texts), {"columns": columns, "rows": texts})


def _estimate(
    values: np.ndarray[Any, Any], options: VariantsOptions, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Low end, interquartile mean and high end; NaN where there is nothing to tell."""
    if len(values) == 0:
        return np.nan, np.nan, np.nan
    mean = float(stats.trim_mean(values, 0.25))
    if len(values) == 1:
        return np.nan, mean, np.nan
    interval = stats.bootstrap(
        (values,),
        lambda sample, axis: stats.trim_mean(sample, 0.25, axis=axis),
        n_resamples=options.resamples,
        confidence_level=options.confidence_level,
        method="percentile",
        rng=rng,
    ).confidence_interval
    return float(interval.low), mean, float(interval.high)


def _as_texts(
    frame: pd.DataFrame, measures: Sequence[Measure]
) -> tuple[list[str], list[list[str]]]:
    """Titles and rows of the table as one reads it."""
    rows = []
    for row in frame.to_dict("records"):
        texts = [str(row["variant"]), str(row["seeds"])]
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
        rows.append(texts)
    return ["variant", "seeds", *(measure.head for measure in measures)], rows


def _as_markdown(columns: list[str], rows: list[list[str]]) -> str:
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
