"""The report's inputs, and what it says at the top: headline, key numbers, the track."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from qwop_wr.evaluation.references import HUMAN_RECORD, REFERENCE_TIMES
from qwop_wr.evaluation.trajectory import Trajectory
from qwop_wr.pipelines.reporting.tables import (
    Measured,
    as_fact,
    as_metres,
    as_seconds,
    as_share,
    count,
    is_native,
)
from qwop_wr.simulator.constants import TRACK_LENGTH
from qwop_wr.simulator.tape import Tape


@dataclass(frozen=True)
class ReportInputs:
    """Inputs of a report.

    Attributes:
        summary: The evaluation's summary, as ``summarise`` makes it.
        tapes: Tapes of this run by name, whatever made them; the fastest is the headline.
        guests: Tapes from elsewhere that join the race, by the name to be shown.
        ablations: Table with ``columns`` and ``rows``, if there is one.
        gates: Name of each stage, in order, to its gate's report.
        histories: Name of each stage, in order, to its learning history.
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
    """The report's headline: a number, its protocol and a verdict against the human record.

    Attributes:
        figure: The number, without its unit.
        claim: Meaning of the number.
        ahead: Whether the verdict is a win.
    """

    figure: str
    unit: str
    claim: str
    protocol: str
    verdict: str
    ahead: bool


@dataclass(frozen=True)
class Lane:
    """A runner on the track at the moment the first one crosses the line.

    Attributes:
        result: Time, or how far it got.
        position: Share of the track behind it [%].
        kind: ``agent``, ``human`` or ``machine``.
    """

    name: str
    result: str
    position: float
    kind: str


def fastest_tape(tapes: Mapping[str, Tape]) -> tuple[str, Tape]:
    """Choose the run to show: the fastest finish, or the farthest run without one.

    Raises:
        ValueError: If there are no tapes.
    """
    if not tapes:
        raise ValueError("a report needs at least one tape, for instance the native run's")
    return min(tapes.items(), key=lambda item: item[1].rank)


def compose_headline(tape: Tape, summary: Mapping[str, Any]) -> Headline:
    """Write the headline about the fastest or farthest run, with its protocol and verdict."""
    protocol = _protocol_of(tape, summary)
    if tape.finished:
        lead = HUMAN_RECORD.seconds - tape.score_time
        verdict = f"{abs(lead):.2f} s {'faster than' if lead > 0 else 'behind'} the human record"
        return Headline(
            f"{tape.score_time:.2f}", "s", "for the 100 m", protocol, verdict, ahead=lead > 0
        )
    missing = TRACK_LENGTH - tape.distance
    return Headline(
        f"{tape.distance:.1f}",
        "m",
        "is the farthest so far: no run has finished yet",
        protocol,
        f"{missing:.1f} m short of the line",
        ahead=False,
    )


def list_key_numbers(summary: Mapping[str, Any]) -> list[Measured]:
    """Choose the six numbers beside the headline, each with its interval or a remark."""
    seeds = summary["seeds"]
    native_end = {"finish": "finished", "fall": "fell", "timeout": "ran out of time"}
    native = (
        as_seconds(summary["native_time"])
        if summary["native_time"] is not None
        else as_metres(summary["native_distance"])
    )
    return [
        Measured(
            "Finish rate",
            as_share(summary["finish_rate"]),
            _between(summary["finish_rate_interval"], 100, ".0f", " %"),
        ),
        Measured(
            "Median finish",
            as_seconds(summary["median_time"]),
            _between(summary["median_time_interval"], 1, ".2f", " s")
            if summary["median_time"] is not None
            else "no run finished",
        ),
        Measured(
            "Best finish",
            as_seconds(summary["best_time"]),
            f"{'none' if summary['best_time'] is None else 'best'} of {count(seeds, 'seed')}",
        ),
        Measured("Native run", native, f"one run, no noise: {native_end[summary['native_end']]}"),
        Measured(
            "Mean distance",
            as_metres(summary["mean_distance"]),
            _between(summary["mean_distance_interval"], 1, ".1f", " m"),
        ),
        Measured(
            "Distinct runs",
            str(summary["distinct_trajectories"]),
            f"of {seeds}, from {count(summary['distinct_starts'], 'start')}",
        ),
    ]


def line_up(trace: Trajectory) -> list[Lane]:
    """Place everyone on the track at the moment the first crosses the line, the fastest first.

    The shown run is placed at its true position; the others, with only their times known,
    at their mean pace.
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


def write_facts(facts: Mapping[str, Any]) -> dict[str, str]:
    """Format facts by their names."""
    return {name: as_fact(name, value) for name, value in facts.items()}


def _protocol_of(tape: Tape, summary: Mapping[str, Any]) -> str:
    if is_native(tape):
        return "Native protocol: a hard reset, no noise, the agent's one deterministic run (n = 1)"
    if "search" in tape.meta:
        return (
            "Search: the best of many tries on exact copies of the game, replayed from a hard reset"
        )
    return (
        f"Randomised protocol: the best of {count(summary['seeds'], 'seed')}; "
        "its keys replay from a hard reset"
    )


def _between(interval: list[float] | None, factor: float, form: str, unit: str) -> str:
    if interval is None:
        return "one value, no interval"
    low, high = (format(factor * end, form) for end in interval)
    return f"{low} to {high}{unit}"
