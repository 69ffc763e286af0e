"""Formatted numbers, and the rows of the report's tables."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from qwop_wr.simulator.tape import Tape

NOTHING: Final = "\N{EN DASH}"
"""Placeholder for a missing number."""

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
class StageRow:
    """A training stage: incoming agent, result and verdict.

    Attributes:
        changes: Finish rate, median time and mean distance before and after.
        verdict: The gate's decision in words.
        notes: Incidents of the training, with advice.
    """

    name: str
    changes: tuple[tuple[str, str], ...]
    verdict: str
    promoted: bool
    notes: tuple[str, ...] = ()


class Measured(NamedTuple):
    """A number with its name, and its interval or a remark."""

    name: str
    value: str
    note: str


@dataclass(frozen=True)
class ComparisonRow:
    """The agent against another one on the same seeds.

    Attributes:
        fingerprint: First digits of its fingerprint.
        verdict: ``better``, ``worse`` or ``no difference shown``.
        finish_rates: Finish rates of agent and opponent, with McNemar's p.
        faster_by: Median lead where both finished, with its interval and Wilcoxon's p.
        saved: Mean cost saved per run, with its interval.
        seeds: Number of seeds on which each was better.
    """

    opponent: str
    fingerprint: str
    verdict: str
    finish_rates: str
    faster_by: str
    saved: str
    seeds: str


def as_seconds(value: float | None) -> str:
    """Format a time [s]."""
    return NOTHING if value is None else f"{value:.2f} s"


def as_metres(value: float | None) -> str:
    """Format a distance [m]."""
    return NOTHING if value is None else f"{value:.1f} m"


def as_share(value: float | None) -> str:
    """Format a share in [0, 1] as a percentage."""
    return NOTHING if value is None else f"{100 * value:.1f} %"


def as_fact(name: str, value: object) -> str:
    """Format any fact; a number's unit follows from its name, for instance ``median_time``."""
    if value is None:
        return NOTHING
    if isinstance(value, float):
        if name.endswith("_time"):
            return as_seconds(value)
        return as_metres(value) if name.endswith("_distance") else f"{value:g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def markdown_table(
    titles: Sequence[str], rows: Iterable[Sequence[str]], n_texts: int | None = None
) -> str:
    """Format a table; with ``n_texts`` all columns but the first ones are aligned to the right."""
    left = len(titles) if n_texts is None else n_texts
    rules = ["---" if place < left else "---:" for place in range(len(titles))]
    padded = ([f" {cell} " if cell else " " for cell in line] for line in (titles, rules, *rows))
    return "\n".join(f"|{'|'.join(line)}|" for line in padded)


def count(number: int, noun: str) -> str:
    """Format a count with its noun in the singular or plural."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def list_stages(gates: Mapping[str, Mapping[str, Any]]) -> list[StageRow]:
    """List the stages, by their gates' reports in order."""
    return [
        StageRow(
            name=name,
            changes=tuple(
                zip(_performance(gate["incoming"]), _performance(gate["outgoing"]), strict=True)
            ),
            verdict="promoted" if gate["promoted"] else "kept what came in",
            notes=tuple(_notes(gate)),
            promoted=bool(gate["promoted"]),
        )
        for name, gate in gates.items()
    ]


def list_times(summary: Mapping[str, Any]) -> list[Measured]:
    """List statistics of the finish times, the best labelled as the best of n."""
    best = Measured(
        f"Best of {count(summary['seeds'], 'seed')}",
        as_seconds(summary["best_time"]),
        "the least of a sample has no bootstrap interval",
    )
    rows = [Measured(name, as_seconds(summary[key]), _range(summary, key)) for name, key in _TIMES]
    return [best, *rows]


def list_comparisons(championship: Mapping[str, Any]) -> list[ComparisonRow]:
    """List comparisons of the agent with earlier ones, from ``Championship.to_json``."""
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


def list_tapes(tapes: Mapping[str, Tape]) -> list[dict[str, Any]]:
    """Describe the tapes, the fastest first."""
    return [
        {
            "name": name,
            "result": describe_end(tape),
            "ticks": tape.ticks,
            "seed": NOTHING if is_native(tape) else tape.meta.get("seed", NOTHING),
            "state": tape.state_sha256[:12],
        }
        for name, tape in sorted(tapes.items(), key=lambda item: item[1].rank)
    ]


def describe_end(tape: Tape) -> str:
    """Format a run's time, or its distance without a finish."""
    return as_seconds(tape.score_time) if tape.finished else f"ended at {as_metres(tape.distance)}"


def is_native(tape: Tape) -> bool:
    """Whether a tape is the run of the native protocol."""
    return bool(tape.meta.get("protocol") == "native")


def checked_table(table: Mapping[str, Any] | None) -> tuple[list[str], list[list[str]]] | None:
    """Turn a table's ``columns`` and ``rows`` from a JSON file, if there is one, into texts.

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


def _performance(report: Mapping[str, Any] | None) -> tuple[str, str, str]:
    if report is None:
        return (NOTHING, NOTHING, NOTHING)
    return (
        as_share(report["finish_rate"]),
        as_seconds(report["median_time"]),
        as_metres(report["mean_distance"]),
    )


def _notes(gate: Mapping[str, Any]) -> Iterator[str]:
    before, after = ((gate[way] or {}).get("falls", {}) for way in ("incoming", "outgoing"))
    if before and gate["incoming"]["finish_rate"]:
        stretches = sorted({*before, *after}, key=lambda name: float(name.split()[0]))
        counts = [f"{name} {before.get(name, 0)} → {after.get(name, 0)}" for name in stretches]
        total = f"falls {sum(before.values())} → {sum(after.values())}"
        yield f"{total} of {gate['n_starts']:,} starts: {', '.join(counts)}"
    if rollbacks := gate.get("rollbacks"):
        yield f"collapsed and rolled back {count(rollbacks, 'time')}"
    if (health := gate.get("health")) and not health["healthy"]:
        yield (
            f"the learner ended at {as_share(health['final'])} success where "
            f"{as_share(health['required'])} would be healthy: {health['advice']}"
        )


def _cell(value: object) -> str:
    if value is None:
        return NOTHING
    return f"{value:.4g}" if isinstance(value, float) else str(value)


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
