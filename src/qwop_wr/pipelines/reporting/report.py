"""One self-contained HTML page about a run of the pipeline."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from qwop_wr.evaluation.references import REFERENCE_TIMES
from qwop_wr.evaluation.trajectory import Trajectory, tape_trajectory
from qwop_wr.pipelines.reporting import figures
from qwop_wr.pipelines.reporting.content import (
    ReportInputs,
    compose_headline,
    fastest_tape,
    line_up,
    list_key_numbers,
    write_facts,
)
from qwop_wr.pipelines.reporting.style import themed_svg
from qwop_wr.pipelines.reporting.tables import (
    checked_table,
    count,
    describe_end,
    list_comparisons,
    list_stages,
    list_tapes,
    list_times,
)
from qwop_wr.simulator.platforms import BROWSERS
from qwop_wr.simulator.tape import Run, Tape
from qwop_wr.viewer import Film, render_player, shoot_film
from qwop_wr.viewer.player import MAX_FILMS


@dataclass(frozen=True)
class Panel:
    """A figure with its title and caption."""

    title: str
    caption: str
    svg: Markup


def render_report(
    inputs: ReportInputs, tapes: str = "data/07_model_output/tapes/*/tapes/*.qwop.json"
) -> str:
    """Render the report: a whole HTML page without references to anything outside itself.

    Args:
        tapes: Shell pattern of the tapes' files, for the reader.

    Raises:
        ValueError: If there are no tapes, or the ablations are no table.
    """
    name, tape = fastest_tape(inputs.tapes)
    player = render_player(choose_films(inputs.tapes, inputs.guests))
    trace = tape_trajectory(tape)
    environment = Environment(
        loader=PackageLoader("qwop_wr.pipelines.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(
        headline=compose_headline(tape, inputs.summary),
        summary=inputs.summary,
        key_numbers=list_key_numbers(inputs.summary),
        lanes=line_up(trace),
        times=list_times(inputs.summary),
        comparisons=list_comparisons(inputs.championship),
        crowned=inputs.championship["crowned"],
        stages=list_stages(inputs.gates),
        ablations=checked_table(inputs.ablations),
        demonstrations=write_facts(inputs.demonstrations),
        provenance=write_facts({"agent": inputs.summary["agent"], **inputs.provenance}),
        tapes=list_tapes(inputs.tapes),
        shown_tape=name,
        browsers=BROWSERS.get(tape.platform or ""),
        player=player,
        references=REFERENCE_TIMES,
        stills=figures.draw_film_strip(trace),
        runner=figures.draw_runner(trace.state[trace.state[:, 0, 1].argmin()]),
        keys=_inline(figures.draw_keys(trace), "Keys held during the run that is shown"),
        run_panels=_run_panels(trace),
        evaluation_panels=_evaluation_panels(inputs.episodes, inputs.summary),
        learning_panels=_learning_panels(inputs.histories),
        tape_link="data:application/json;base64,"
        + base64.b64encode(tape.to_json().encode()).decode(),
        tapes_pattern=tapes,
    )


def choose_films(tapes: Mapping[str, Tape], guests: Mapping[str, Tape]) -> list[Film]:
    """Choose what the player shows: the run's own best first, then guests, then the rest.

    Args:
        tapes: Tapes of this run by name, at least one.
        guests: Tapes from elsewhere that join the race, by the name to be shown.

    Returns:
        One to five films; duplicate runs are shown once.
    """
    ranked = sorted(tapes.items(), key=lambda item: item[1].rank)
    own = [(name_of(name, tape), tape) for name, tape in ranked]
    native = [entry for entry in own[1:] if entry[1].meta.get("protocol") == "native"]
    candidates = [own[0], *sorted(guests.items(), key=lambda item: item[1].rank), *native, *own]
    distinct: dict[tuple[str, tuple[Run, ...]], tuple[str, Tape]] = {}
    for label, tape in candidates:
        distinct.setdefault((tape.engine, tape.keys), (label, tape))
    chosen = list(distinct.values())[:MAX_FILMS]
    return [shoot_film(tape, label, describe_run(tape)) for label, tape in chosen]


def name_of(name: str, tape: Tape) -> str:
    """Name a run after its origin, such as ``Native run`` or ``Seed 10017``, else by its name."""
    protocol = tape.meta.get("protocol")
    if protocol == "native":
        return "Native run"
    if protocol == "randomised":
        return f"Seed {tape.meta.get('seed')}"
    return "Search" if "search" in tape.meta else name.replace("_", " ")


def describe_run(tape: Tape) -> str:
    """Describe how a run ended, and whether it waited at the start."""
    end = describe_end(tape)
    waited = tape.meta.get("idle_ticks")
    return (
        f"{end}, waited {count(waited, 'tick')} first"
        if isinstance(waited, int) and waited
        else end
    )


def _run_panels(trace: Trajectory) -> list[Panel]:
    splits = trace.splits()
    return [
        Panel(
            "Against the human record",
            "Seconds ahead at the record's published marks; above the line is ahead.",
            _inline(figures.draw_splits(splits), "Lead over the human record at each mark"),
        ),
        Panel(
            "Speed along the track",
            "Averaged over one second. Dashed: the human record's mean.",
            _inline(figures.draw_speed(trace.clock, trace.torso_x), "Speed along the track"),
        ),
    ]


def _evaluation_panels(episodes: pd.DataFrame, summary: Mapping[str, Any]) -> list[Panel]:
    level = summary["protocol"]["confidence_level"]
    return [
        Panel(
            "Chance to finish within a time",
            f"A fall counts as never. Band: {level:.0%} Wilson interval at each time. "
            "Dashed: the times to beat, the human record in blue.",
            _inline(figures.draw_profile(episodes, level), "Probability to finish within a time"),
        ),
        Panel(
            "Finish times",
            "The runs that finished, alone.",
            _inline(figures.draw_finish_times(episodes), "Times of the runs that finished"),
        ),
        Panel(
            "Still going",
            "Share of the runs that got past each point of the track.",
            _inline(figures.draw_survival(episodes), "Share of runs past each distance"),
        ),
        Panel(
            "Where the others ended",
            "The runs that did not finish, by why they ended.",
            _inline(figures.draw_distances(episodes), "Distances of the runs that did not finish"),
        ),
    ]


def _learning_panels(histories: Mapping[str, pd.DataFrame]) -> list[Panel]:
    measured = "Measured on fixed starts while learning; stages follow one another."
    distance = figures.draw_learning_curves(
        histories, "evaluation/mean_distance", "mean distance [m]"
    )
    rate = figures.draw_learning_curves(histories, "evaluation/finish_rate", "finish rate")
    return [
        Panel("Distance while learning", measured, _inline(distance, "Mean distance, all stages")),
        Panel("Finish rate while learning", measured, _inline(rate, "Finish rate, all stages")),
    ]


def _inline(figure: Figure, label: str) -> Markup:
    return Markup(themed_svg(figure, label))  # noqa: S704 - matplotlib escapes its texts
