"""The report's content before any markup: from its inputs to one page of texts."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from qwop_wr.evaluation.references import HUMAN_RECORD, REFERENCE_TIMES
from qwop_wr.evaluation.trajectory import Trajectory
from qwop_wr.pipelines.reporting.tables import (
    ComparisonRow,
    StageRow,
    TimeRow,
    as_fact,
    as_metres,
    as_seconds,
    as_share,
    checked_table,
    count,
    is_native,
    list_comparisons,
    list_stages,
    list_tapes,
    list_times,
)
from qwop_wr.simulator.constants import TRACK_LENGTH
from qwop_wr.simulator.platforms import BROWSERS
from qwop_wr.simulator.tape import Tape


@dataclass(frozen=True)
class ReportInputs:
    """Inputs of a report.

    Attributes:
        summary: The evaluation's summary, as ``summarise`` makes it.
        episodes: Runs of the randomised protocol.
        tapes: Tapes of this run by name, whatever made them; the fastest is the headline.
        guests: Tapes from elsewhere that join the race, by the name to be shown.
        championship: Results of the comparisons with other agents.
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
    """The report's headline.

    Attributes:
        figure: The number, without its unit.
        unit: ``s`` or ``m``.
        claim: Meaning of the number.
        protocol: Protocol of the number.
        verdict: Comparison with the human record.
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
    """A number with its name and a note."""

    name: str
    value: str
    note: str


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


@dataclass(frozen=True)
class Page:
    """The report's content, section by section.

    Attributes:
        lanes: All runners at the moment when the first crosses the line.
        crowned: Whether it is the champion now.
        stages: Incoming agent and result of each stage.
        ablations: Titles and rows; None if there is no table.
        demonstrations: Facts about the demonstrations, as texts.
        provenance: Facts about the run, as texts.
        tapes: A row per tape, the fastest first.
        browsers: Browsers in which the run shown is as claimed; None on Box2D.
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
    browsers: str | None


def compose_page(inputs: ReportInputs, shown_tape: str, trace: Trajectory) -> Page:
    """Compose the report's content.

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
        browsers=BROWSERS.get(inputs.tapes[shown_tape].platform or ""),
    )


def fastest_tape(tapes: Mapping[str, Tape]) -> tuple[str, Tape]:
    """Choose the run to show: the fastest finish, or the farthest run without one.

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
    missing = TRACK_LENGTH - tape.distance
    return Headline(
        f"{tape.distance:.1f}",
        "m",
        "is the farthest so far: no run has finished yet",
        protocol,
        f"{missing:.1f} m short of the line",
        ahead=False,
    )


def list_key_numbers(summary: Mapping[str, Any]) -> list[KeyNumber]:
    """Choose the numbers beside the headline.

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


def line_up(trace: Trajectory) -> list[Lane]:
    """Place everyone on the track at the moment the first crosses the line.

    The shown run is placed at its true position; the others, with only their times known,
    at their mean pace.

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


def _facts(facts: Mapping[str, Any]) -> dict[str, str]:
    return {name: as_fact(name, value) for name, value in facts.items()}
