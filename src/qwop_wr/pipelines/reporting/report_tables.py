"""Rows of the report's tables: finish times, comparisons and ablations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from qwop_wr.pipelines.reporting.report_content import NOTHING, as_share, count

_TIMES: Final = (
    ("5 % are faster", "p05_time"),
    ("Median", "median_time"),
    ("Interquartile mean", "interquartile_mean_time"),
    ("5 % are slower", "p95_time"),
)
_OPPONENTS: Final = {
    "champion": "the champion of the runs before",
    "expert": "the expert of the demonstrations",
}


@dataclass(frozen=True)
class TimeRow:
    """A statistic of the finish times with its interval, or what stands for it."""

    name: str
    value: str
    interval: str


@dataclass(frozen=True)
class ComparisonRow:
    """The agent against another one on the same seeds.

    Attributes:
        opponent: Who the other one is.
        fingerprint: First digits of its fingerprint.
        verdict: ``better``, ``worse`` or ``no difference shown``.
        finish_rates: Finish rates of agent and opponent, with McNemar's p.
        faster_by: Median lead where both finished, with its interval and Wilcoxon's p.
        saved: Mean cost saved per run, with its interval.
        seeds: On how many seeds each did better.
    """

    opponent: str
    fingerprint: str
    verdict: str
    finish_rates: str
    faster_by: str
    saved: str
    seeds: str


def list_times(summary: Mapping[str, Any]) -> list[TimeRow]:
    """Tell how the finish times are spread.

    Args:
        summary: The evaluation's summary.

    Returns:
        The best, labelled as the best of how many, and the statistics with intervals.
    """
    best = TimeRow(
        f"Best of {count(summary['seeds'], 'seed')}",
        _seconds(summary["best_time"]),
        "the least of a sample has no bootstrap interval",
    )
    rows = [TimeRow(name, _seconds(summary[key]), _range(summary, key)) for name, key in _TIMES]
    return [best, *rows]


def list_comparisons(championship: Mapping[str, Any]) -> list[ComparisonRow]:
    """Tell how the agent does against those before it.

    Args:
        championship: What came of the challenge, as ``Championship.to_json`` gives it.

    Returns:
        One row per opponent.
    """
    return [
        ComparisonRow(
            opponent=_OPPONENTS.get(name, name),
            fingerprint=str(found["opponent"])[:8],
            verdict=str(found["verdict"]),
            finish_rates=" against ".join(as_share(rate) for rate in found["finish_rates"])
            + f" ({_p(found['finish_rate_p'])})",
            faster_by=_estimate(found["faster_by"])
            + (f" ({_p(found['faster_by_p'])})" if found["faster_by_p"] is not None else ""),
            saved=_estimate(found["saved_seconds"]),
            seeds=f"{found['wins']} : {found['losses']}",
        )
        for name, found in championship["comparisons"].items()
    ]


def checked_table(table: Mapping[str, Any] | None) -> tuple[list[str], list[list[str]]] | None:
    """Turn a table from a JSON file into text.

    Args:
        table: ``columns`` and ``rows``; None if there is no such file.

    Returns:
        Titles and rows; None if there is no table.

    Raises:
        ValueError: If it is no table or a row does not fit the columns.
    """
    if table is None:
        return None
    columns, rows = table.get("columns"), table.get("rows")
    if not isinstance(columns, Sequence) or not isinstance(rows, Sequence):
        raise ValueError("a table needs 'columns' and 'rows'")
    for row in rows:
        if not isinstance(row, Sequence) or isinstance(row, str) or len(row) != len(columns):
            raise ValueError(f"a row of {len(columns)} columns cannot be {row!r}")
    return [str(title) for title in columns], [[_cell(value) for value in row] for row in rows]


def _cell(value: object) -> str:
    if value is None:
        return NOTHING
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _seconds(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f} s"


def _range(summary: Mapping[str, Any], key: str) -> str:
    interval = summary[f"{key}_interval"]
    if interval is None:
        return NOTHING
    return f"{interval[0]:.2f} to {interval[1]:.2f} s"


def _estimate(estimate: Mapping[str, float | None]) -> str:
    value, low, high = (estimate[name] for name in ("value", "low", "high"))
    if value is None:
        return NOTHING
    text = f"{value:+.2f} s"
    return text if low is None or high is None else f"{text}, {low:+.2f} to {high:+.2f}"


def _p(probability: float) -> str:
    return "p < 0.001" if probability < 0.001 else f"p = {probability:.3f}"
