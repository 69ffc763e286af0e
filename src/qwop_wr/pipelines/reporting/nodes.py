"""Nodes that report on a run."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from qwop_wr.agents.agent import Agent
from qwop_wr.pipelines.inputs import checking, fresh
from qwop_wr.pipelines.reporting import figures
from qwop_wr.pipelines.reporting.card import render_card
from qwop_wr.pipelines.reporting.content import ReportInputs
from qwop_wr.pipelines.reporting.report import render_report
from qwop_wr.pipelines.reporting.tables import checked_table
from qwop_wr.simulator.tape import Tape


def draw_figures(
    episodes: pd.DataFrame, **histories: pd.DataFrame
) -> tuple[Figure, Figure, Figure, Figure]:
    """Draw the figures that Kedro-Viz and MLflow show beside the report.

    Args:
        episodes: A row per evaluated seed.
        **histories: Learning history of each stage, by its name and in order.
    """
    return (
        figures.draw_learning_curves(histories, "evaluation/mean_distance", "mean distance [m]"),
        figures.draw_survival(episodes),
        figures.draw_finish_times(episodes),
        figures.draw_profile(episodes),
    )


class ReportTapes(NamedTuple):
    """Tapes by name.

    Attributes:
        own: Made by this run of the pipeline.
        guests: Made earlier.
    """

    own: dict[str, Tape]
    guests: dict[str, Tape]


def gather_runs(
    summary: dict[str, Any],
    tapes: dict[str, Tape],
    record_tape: Tape,
    short_hunt: dict[str, Any] | None,
) -> ReportTapes:
    """Separate the tapes of this run from older ones.

    Args:
        tapes: The native run and the fastest finishes.
        short_hunt: Summary of the hunt with the evaluated agent; if it found the record, that is
            this run's own.
    """
    is_own = (
        short_hunt is not None
        and short_hunt["agent"] == summary["agent"]
        and bool(short_hunt["found"])
        and short_hunt["tape"] == record_tape.state_sha256
    )
    if is_own:
        return ReportTapes({**tapes, "search": record_tape}, {})
    return ReportTapes(tapes, {"Record tape": record_tape})


def write_report(
    summary: dict[str, Any],
    episodes: pd.DataFrame,
    runs: ReportTapes,
    championship: dict[str, Any],
    demonstrations: dict[str, Any],
    provenance: dict[str, str],
    ablations: dict[str, Any] | None,
    **stages: Mapping[str, Any] | pd.DataFrame,
) -> tuple[str, str]:
    """Write the report; returns the HTML page twice, for its versioned and its newest copy.

    Args:
        episodes: A row per evaluated seed.
        **stages: ``{stage}_gate`` and ``{stage}_history`` of every stage, in order.
    """
    with checking("ablations"):
        checked_table(ablations)
    if championship.get("challenger") != summary["agent"]:
        with fresh("championship", "--pipeline=evaluation"):
            raise ValueError("it is not that of the evaluated agent")
    page = render_report(
        ReportInputs(
            summary=summary,
            episodes=episodes,
            tapes=runs.own,
            guests=runs.guests,
            championship=championship,
            ablations=ablations,
            gates=_by_suffix(stages, "_gate"),
            histories=_by_suffix(stages, "_history"),
            demonstrations=demonstrations,
            provenance=provenance,
        )
    )
    return page, page


def write_model_card(
    summary: dict[str, Any],
    agent: Agent,
    demonstrations: dict[str, Any],
    provenance: dict[str, str],
    **gates: Mapping[str, Any],
) -> str:
    """Write the model card of the final agent.

    Args:
        **gates: Report of each stage's gate, by the stage's name and in order.
    """
    return render_card(
        summary, agent.spec.model_dump(mode="json"), gates, demonstrations, provenance
    )


def _by_suffix(inputs: Mapping[str, Any], suffix: str) -> dict[str, Any]:
    return {
        name.removesuffix(suffix): value for name, value in inputs.items() if name.endswith(suffix)
    }
