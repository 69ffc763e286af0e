"""One self-contained HTML page that tells what came of a run of the pipeline."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from qwop_wr.evaluation.references import REFERENCE_TIMES
from qwop_wr.evaluation.trace import Trace, trace_tape
from qwop_wr.pipelines.reporting import figures, figures_runner, report_content, report_tables
from qwop_wr.pipelines.reporting.figures_style import themed_svg
from qwop_wr.pipelines.reporting.report_films import choose_films
from qwop_wr.simulator.tape import Tape
from qwop_wr.viewer import render_player


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
class Panel:
    """A figure with its title and what to see in it."""

    title: str
    caption: str
    svg: Markup


def render_report(
    inputs: ReportInputs, tapes: str = "data/07_model_output/tapes/*/tapes/*.qwop.json"
) -> str:
    """Render the report.

    Args:
        inputs: What it is made of.
        tapes: Where the reader finds the tapes, as a pattern for the shell.

    Returns:
        A whole HTML page without references to anything outside itself.

    Raises:
        ValueError: If there are no tapes, or the ablations are no table.
    """
    name, tape = report_content.fastest_tape(inputs.tapes)
    player = render_player(choose_films(inputs.tapes, inputs.guests))
    trace = trace_tape(tape)
    environment = Environment(
        loader=PackageLoader("qwop_wr.pipelines.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(
        player=player,
        headline=report_content.compose_headline(tape, inputs.summary),
        summary=inputs.summary,
        key_numbers=report_content.list_key_numbers(inputs.summary),
        lanes=report_content.line_up(trace),
        references=REFERENCE_TIMES,
        stills=figures_runner.draw_film_strip(trace),
        runner=figures_runner.draw_runner(trace.state[trace.state[:, 0, 1].argmin()]),
        keys=_inline(figures_runner.draw_keys(trace), "Keys held during the run that is shown"),
        run_panels=_run_panels(trace),
        evaluation_panels=_evaluation_panels(inputs.episodes, inputs.summary),
        learning_panels=_learning_panels(inputs.histories),
        times=report_tables.list_times(inputs.summary),
        comparisons=report_tables.list_comparisons(inputs.championship),
        crowned=inputs.championship["crowned"],
        ablations=report_tables.checked_table(inputs.ablations),
        stages=report_content.list_stages(inputs.gates),
        demonstrations=_facts(inputs.demonstrations),
        provenance=_facts({"agent": inputs.summary["agent"], **inputs.provenance}),
        tapes=report_content.list_tapes(inputs.tapes).to_dict("records"),
        shown_tape=name,
        tape_link="data:application/json;base64,"
        + base64.b64encode(tape.to_json().encode()).decode(),
        tapes_pattern=tapes,
    )


def _facts(facts: Mapping[str, Any]) -> dict[str, str]:
    return {name: report_content.as_fact(name, value) for name, value in facts.items()}


def _run_panels(trace: Trace) -> list[Panel]:
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
