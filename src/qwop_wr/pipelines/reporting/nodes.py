"""Nodes that tell what came of a run."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from qwop_wr.agents.agent import Agent
from qwop_wr.pipelines.inputs import checking
from qwop_wr.pipelines.reporting import figures
from qwop_wr.pipelines.reporting.card import render_card
from qwop_wr.pipelines.reporting.report import ReportInputs, render_report
from qwop_wr.pipelines.reporting.report_tables import checked_table
from qwop_wr.provenance import describe_provenance
from qwop_wr.simulator.tape import Tape


def gather_provenance(parameters: dict[str, Any]) -> dict[str, str]:
    """Tell which code, versions and parameters the run was made with.

    Args:
        parameters: All parameters of the run.

    Returns:
        Facts by name.
    """
    return describe_provenance(parameters)


def draw_figures(
    episodes: pd.DataFrame, **histories: pd.DataFrame
) -> tuple[Figure, Figure, Figure, Figure]:
    """Draw what Kedro-Viz and MLflow show beside the report.

    Args:
        episodes: A row per evaluated seed.
        **histories: Learning history of each stage, by its name and in order.

    Returns:
        Learning curves, distances, finish times and the chance to finish within a time.
    """
    return (
        figures.draw_learning_curves(histories, "evaluation/mean_distance", "mean distance [m]"),
        figures.draw_survival(episodes),
        figures.draw_finish_times(episodes),
        figures.draw_profile(episodes),
    )


def write_report(
    summary: dict[str, Any],
    episodes: pd.DataFrame,
    tapes: dict[str, Tape],
    championship: dict[str, Any],
    demonstrations: dict[str, Any],
    provenance: dict[str, str],
    record_tape: Tape | None = None,
    ablations: dict[str, Any] | None = None,
    **others: Mapping[str, Any] | pd.DataFrame | Tape | None,
) -> tuple[str, str]:
    """Write the report.

    Args:
        summary: The evaluation's summary.
        episodes: A row per evaluated seed.
        tapes: The native run and the fastest finishes.
        championship: Comparisons with the agents before.
        demonstrations: Summary of the demonstrations.
        provenance: Facts about the run.
        record_tape: The shipped record, if there is one; a guest in the race.
        ablations: Table of ablations, if there is one.
        **others: ``{stage}_gate`` and ``{stage}_history`` of every stage, in order; any
            ``{name}_tape`` of this run joins ``tapes``, whatever made it.

    Returns:
        The HTML page twice, for its versioned and its newest copy.
    """
    own_tapes = {name: tape for name, tape in _by_suffix(others, "_tape").items() if tape}
    with checking("ablations"):
        checked_table(ablations)
    page = render_report(
        ReportInputs(
            summary=summary,
            episodes=episodes,
            tapes={**tapes, **own_tapes},
            guests={"Shipped record": record_tape} if record_tape else {},
            championship=championship,
            ablations=ablations,
            gates=_by_suffix(others, "_gate"),
            histories=_by_suffix(others, "_history"),
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
        summary: The evaluation's summary.
        agent: The final agent.
        demonstrations: Summary of the demonstrations.
        provenance: Facts about the run.
        **gates: Report of each stage's gate, by the stage's name and in order.

    Returns:
        Markdown.
    """
    return render_card(
        summary, agent.spec.model_dump(mode="json"), gates, demonstrations, provenance
    )


def _by_suffix(inputs: Mapping[str, Any], suffix: str) -> dict[str, Any]:
    return {
        name.removesuffix(suffix): value for name, value in inputs.items() if name.endswith(suffix)
    }
