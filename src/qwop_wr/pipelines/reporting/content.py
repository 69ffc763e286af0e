"""What the report says, worked out before any markup: from its inputs to one page of texts."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from qwop_wr.evaluation.references import HUMAN_RECORD, REFERENCE_TIMES
from qwop_wr.evaluation.trace import Trace
from qwop_wr.simulator.tape import Tape

NOTHING: Final = "\N{EN DASH}"
"""Stands where a number does not exist."""

_TRACK_LENGTH: Final = 100.0
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
class ReportInputs:
    """Everything that a report is made of.

    Attributes:
        summary: The evaluation's summary, as ``summarise`` makes it.
        episodes: Runs of the randomised protocol.
        tapes: Tapes of this run by name, whatever made them; the fastest is the headline.
        guests: Tapes from elsewhere that join the race, by the name to be shown.
        championship: What came of the comparisons with other agents.
        ablations: Table with ``columns`` and ``rows``, if there is one.
        gates: Name of each stage, in order, to its gate's report.
        histories: Name of each stage, in order, to its learning history.
        demonstrations: Facts about the demonstrations, by name.
        provenance: Commit, parameters' fingerprint, versions and the like, by name.
    """

    summary: Mapping[str, Any]
    episodes: pd.DataFrame
    tapes: Mapping[str, Tape]
    guests: Mapping[str, Tape]
    championship: Mapping[str, Any]
    ablations: Mapping[str, Any] | None
    gates: Mapping[str, Mapping[str, Any]]
    histories: Mapping[str, pd.DataFrame]
    demonstrations: Mapping[str, Any]
    provenance: Mapping[str, Any]


@dataclass(frozen=True)
class Headline:
    """The first thing read.

    Attributes:
        figure: The number, without its unit.
        unit: ``s`` or ``m``.
        claim: What the number is.
        protocol: Under which protocol it was made.
        verdict: How it compares with the human record.
        ahead: Whether the verdict is a win.
    """

    figure: str
    unit: str
    claim: str
    protocol: str
    verdict: str
    ahead: bool


@dataclass(frozen=True)
class KeyNumber:
    """A number with its name and what has to be known about it."""

    name: str
    value: str
    note: str


@dataclass(frozen=True)
class Lane:
    """A runner on the track at the moment the first one crosses the line.

    Attributes:
        name: Who runs.
        result: Time, or how far it got.
        position: Share of the track behind it [%].
        kind: ``agent``, ``human`` or ``machine``.
    """

    name: str
    result: str
    position: float
    kind: str


@dataclass(frozen=True)
class StageRow:
    """A training stage: what came in, what it made, what it handed on.

    Attributes:
        name: Name of the stage.
        changes: In and out of finish rate, median time and mean distance.
        verdict: What the gate decided, in words.
        promoted: What the gate decided.
        notes: What happened to the learner on the way, with advice.
    """

    name: str
    changes: tuple[tuple[str, str], ...]
    verdict: str
    promoted: bool
    notes: tuple[str, ...] = ()


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


@dataclass(frozen=True)
class Page:
    """What the report says, section by section.

    Attributes:
        headline: The first thing read.
        summary: The evaluation's summary.
        key_numbers: The numbers beside the headline.
        lanes: Everyone on the track when the first crosses the line.
        times: How the finish times are spread.
        comparisons: The agent against those before it.
        crowned: Whether it is the champion now.
        stages: What each stage did with the agent that it was given.
        ablations: Titles and rows; None if there is no table.
        demonstrations: Facts about the demonstrations, as texts.
        provenance: Facts about the run, as texts.
        tapes: A row per tape, the fastest first.
        shown_tape: Name of the tape that is shown.
    """

    headline: Headline
    summary: Mapping[str, Any]
    key_numbers: list[KeyNumber]
    lanes: list[Lane]
    times: list[TimeRow]
    comparisons: list[ComparisonRow]
    crowned: bool
    stages: list[StageRow]
    ablations: tuple[list[str], list[list[str]]] | None
    demonstrations: dict[str, str]
    provenance: dict[str, str]
    tapes: list[dict[Hashable, Any]]
    shown_tape: str


def compose_page(inputs: ReportInputs, shown_tape: str, trace: Trace) -> Page:
    """Work out all that the report says.

    Args:
        inputs: What it is made of.
        shown_tape: Name of the tape that is shown.
        trace: Its replay.

    Returns:
        The page without its figures.

    Raises:
        ValueError: If the ablations are no table.
    """
    summary = inputs.summary
    return Page(
        headline=compose_headline(inputs.tapes[shown_tape], summary),
        summary=summary,
        key_numbers=list_key_numbers(summary),
        lanes=line_up(trace),
        times=list_times(summary),
        comparisons=list_comparisons(inputs.championship),
        crowned=bool(inputs.championship["crowned"]),
        stages=list_stages(inputs.gates),
        ablations=checked_table(inputs.ablations),
        demonstrations=_facts(inputs.demonstrations),
        provenance=_facts({"agent": summary["agent"], **inputs.provenance}),
        tapes=list_tapes(inputs.tapes).to_dict("records"),
        shown_tape=shown_tape,
    )


def as_seconds(value: float | None) -> str:
    """Write a time, or the sign for none."""
    return NOTHING if value is None else f"{value:.2f} s"


def as_metres(value: float | None) -> str:
    """Write a distance, or the sign for none."""
    return NOTHING if value is None else f"{value:.1f} m"


def as_share(value: float | None) -> str:
    """Write a share in per cent, or the sign for none."""
    return NOTHING if value is None else f"{100 * value:.1f} %"


def as_fact(name: str, value: object) -> str:
    """Write any fact; a number's name tells its unit.

    Args:
        name: Name of the fact, for instance ``median_time``.
        value: What it is; None is the sign for none.

    Returns:
        The fact in words.
    """
    if value is None:
        return NOTHING
    if isinstance(value, float):
        if name.endswith("_time"):
            return as_seconds(value)
        return as_metres(value) if name.endswith("_distance") else f"{value:g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def fastest_tape(tapes: Mapping[str, Tape]) -> tuple[str, Tape]:
    """Choose the run to show: the fastest finish, else the farthest run.

    Args:
        tapes: Tapes by name.

    Returns:
        Its name and the tape.

    Raises:
        ValueError: If there are no tapes.
    """
    if not tapes:
        raise ValueError("a report needs at least one tape, for instance the native run's")
    return min(tapes.items(), key=lambda item: item[1].rank)


def compose_headline(tape: Tape, summary: Mapping[str, Any]) -> Headline:
    """Write the headline about the run that is shown.

    Args:
        tape: The fastest or farthest run.
        summary: The evaluation's summary.

    Returns:
        The headline with its protocol and its verdict.
    """
    protocol = _protocol_of(tape, summary)
    if tape.finished:
        lead = HUMAN_RECORD.seconds - tape.score_time
        verdict = f"{abs(lead):.2f} s {'faster than' if lead > 0 else 'behind'} the human record"
        return Headline(
            f"{tape.score_time:.2f}", "s", "for the 100 m", protocol, verdict, ahead=lead > 0
        )
    missing = _TRACK_LENGTH - tape.distance
    return Headline(
        f"{tape.distance:.1f}",
        "m",
        "is the farthest so far: no run has finished yet",
        protocol,
        f"{missing:.1f} m short of the line",
        ahead=False,
    )


def list_key_numbers(summary: Mapping[str, Any]) -> list[KeyNumber]:
    """Choose the numbers that stand beside the headline.

    Args:
        summary: The evaluation's summary.

    Returns:
        Six numbers, each with its interval or what it is the best of.
    """
    seeds = summary["seeds"]
    native_end = {"finish": "finished", "fall": "fell", "timeout": "ran out of time"}
    native = (
        as_seconds(summary["native_time"])
        if summary["native_time"] is not None
        else as_metres(summary["native_distance"])
    )
    return [
        KeyNumber(
            "Finish rate",
            as_share(summary["finish_rate"]),
            _between(summary["finish_rate_interval"], 100, ".0f", " %"),
        ),
        KeyNumber(
            "Median finish",
            as_seconds(summary["median_time"]),
            _between(summary["median_time_interval"], 1, ".2f", " s")
            if summary["median_time"] is not None
            else "no run finished",
        ),
        KeyNumber(
            "Best finish",
            as_seconds(summary["best_time"]),
            f"{'none' if summary['best_time'] is None else 'best'} of {count(seeds, 'seed')}",
        ),
        KeyNumber("Native run", native, f"one run, no noise: {native_end[summary['native_end']]}"),
        KeyNumber(
            "Mean distance",
            as_metres(summary["mean_distance"]),
            _between(summary["mean_distance_interval"], 1, ".1f", " m"),
        ),
        KeyNumber(
            "Distinct runs",
            str(summary["distinct_trajectories"]),
            f"of {seeds}, from {count(summary['distinct_starts'], 'start')}",
        ),
    ]


def line_up(trace: Trace) -> list[Lane]:
    """Place everyone on the track at the moment the first crosses the line.

    The shown run is placed where it really was then; the others, of whom only times
    are known, at their mean pace.

    Args:
        trace: The run that is shown.

    Returns:
        Its lane and one per time to beat, the fastest first.
    """
    time = float(trace.clock[-1])
    moment = min([reference.seconds for reference in REFERENCE_TIMES] + [time] * trace.finished)
    passed = trace.distance[trace.clock <= moment + 1e-9]
    share = 100.0 if trace.finished and time <= moment else max(0.0, min(99.5, float(passed[-1])))
    result = as_seconds(time) if trace.finished else as_metres(trace.distance[-1])
    agent = Lane("This run", result, share, "agent")
    others = [
        (
            reference.seconds,
            Lane(
                reference.name,
                as_seconds(reference.seconds),
                100.0 * moment / reference.seconds,
                "human" if reference.human else "machine",
            ),
        )
        for reference in REFERENCE_TIMES
    ]
    order = [(time if trace.finished else float("inf"), agent), *others]
    return [lane for _, lane in sorted(order, key=lambda entry: entry[0])]


def list_stages(gates: Mapping[str, Mapping[str, Any]]) -> list[StageRow]:
    """Tell what each stage did with the agent that it was given.

    Args:
        gates: Name of each stage, in order, to its gate's report.

    Returns:
        One row per stage.
    """
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


def list_tapes(tapes: Mapping[str, Tape]) -> pd.DataFrame:
    """Tabulate the tapes, the fastest first.

    Args:
        tapes: Tapes by name.

    Returns:
        Columns ``name``, ``result``, ``ticks``, ``seed`` and ``state``.
    """
    ranked = sorted(tapes.items(), key=lambda item: item[1].rank)
    return pd.DataFrame(
        [
            {
                "name": name,
                "result": as_seconds(tape.score_time)
                if tape.finished
                else f"ended at {as_metres(tape.distance)}",
                "ticks": tape.ticks,
                "seed": NOTHING if _is_native(tape) else tape.meta.get("seed", NOTHING),
                "state": tape.state_sha256[:12],
            }
            for name, tape in ranked
        ]
    )


def _is_native(tape: Tape) -> bool:
    return bool(tape.meta.get("protocol") == "native")


def _protocol_of(tape: Tape, summary: Mapping[str, Any]) -> str:
    if _is_native(tape):
        return "Native protocol: a hard reset, no noise, the agent's one deterministic run (n = 1)"
    if "search" in tape.meta:
        return (
            "Search: the best of many tries on exact copies of the game, replayed from a hard reset"
        )
    return (
        f"Randomised protocol: the best of {count(summary['seeds'], 'seed')}; "
        "its keys replay from a hard reset"
    )


def count(number: int, noun: str) -> str:
    """Write a number of things, in the singular or the plural."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _performance(report: Mapping[str, Any] | None) -> tuple[str, str, str]:
    if report is None:
        return (NOTHING, NOTHING, NOTHING)
    return (
        as_share(report["finish_rate"]),
        as_seconds(report["median_time"]),
        as_metres(report["mean_distance"]),
    )


def _notes(gate: Mapping[str, Any]) -> Iterator[str]:
    if rollbacks := gate.get("rollbacks"):
        yield f"collapsed and rolled back {count(rollbacks, 'time')}"
    if (health := gate.get("health")) and not health["healthy"]:
        yield (
            f"the learner ended at {as_share(health['final'])} success where "
            f"{as_share(health['required'])} would be healthy: {health['advice']}"
        )


def _between(interval: list[float] | None, factor: float, form: str, unit: str) -> str:
    if interval is None:
        return "one value, no interval"
    low, high = (format(factor * end, form) for end in interval)
    return f"{low} to {high}{unit}"


def list_times(summary: Mapping[str, Any]) -> list[TimeRow]:
    """Tell how the finish times are spread.

    Args:
        summary: The evaluation's summary.

    Returns:
        The best, labelled as the best of how many, and the statistics with intervals.
    """
    best = TimeRow(
        f"Best of {count(summary['seeds'], 'seed')}",
        as_seconds(summary["best_time"]),
        "the least of a sample has no bootstrap interval",
    )
    rows = [TimeRow(name, as_seconds(summary[key]), _range(summary, key)) for name, key in _TIMES]
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


def _facts(facts: Mapping[str, Any]) -> dict[str, str]:
    return {name: as_fact(name, value) for name, value in facts.items()}
