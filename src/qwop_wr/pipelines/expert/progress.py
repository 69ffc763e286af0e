"""Best time of an expert against processor time."""

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd
from matplotlib.figure import Figure

from qwop_wr.agents.training import CORE_MINUTES
from qwop_wr.evaluation.references import HUMAN_RECORD
from qwop_wr.pipelines.reporting.style import ROLES, SERIES, drawing, new_figure

_COLUMNS: Final = ["phase", "core_minutes", "time", "best_tape"]
_EVALUATED: Final = "evaluation/best_time"


def trace_progress(
    history: pd.DataFrame,
    refinement: Mapping[str, Any],
    coaching: pd.DataFrame,
    search: Mapping[str, Any],
) -> pd.DataFrame:
    """List the findings of training, refinement, coaching and search by processor time.

    Args:
        history: Metrics of the training in long form.
        refinement: Summary of the rounds.
        coaching: Metrics of the coaching in long form.
        search: Summary of the last search.

    Returns:
        One row per finding: ``phase`` (training, rounds, coaching, search), ``core_minutes`` of
        processor time since the training began, ``time`` found then [s] (in training
        and coaching, the fastest evaluated run), and ``best_tape``, the fastest verified tape so
        far [s].
    """
    rows, best = _evaluations("training", history, 0.0), None
    offset = rows[-1]["core_minutes"]
    for step in refinement["rounds"]:
        best = step["best_time"]
        rows.append(_row("rounds", offset, step["core_seconds"], step["mean_time"], best))
    rows += _evaluations("coaching", coaching, rows[-1]["core_minutes"])
    offset = rows[-1]["core_minutes"]
    for finding in search["found"]:
        best = finding["time"]
        rows.append(_row("search", offset, finding["core_seconds"], best, best))
    final = search["best_time"]
    best = None if final is None else round(final, 3)
    rows.append(_row("search", offset, search["core_seconds"], None, best))
    return pd.DataFrame(rows, columns=_COLUMNS).astype({"time": "float64", "best_tape": "float64"})


def draw_progress(progress: pd.DataFrame) -> Figure:
    """Draw the best time against processor time.

    Args:
        progress: From ``trace_progress``.
    """
    training = progress[progress["phase"].isin(["training", "coaching"])]
    tapes = progress.dropna(subset=["best_tape"])
    with drawing():
        figure, axes = new_figure()
        axes.plot(
            training["core_minutes"],
            training["time"],
            color=SERIES[0],
            label="agent alone, fastest of the evaluated runs",
        )
        axes.step(
            tapes["core_minutes"],
            tapes["best_tape"],
            where="post",
            color=SERIES[1],
            label="search, fastest verified tape",
        )
        axes.axhline(HUMAN_RECORD.seconds, color=ROLES["human"], linewidth=1.0)
        axes.annotate(
            f"human record {HUMAN_RECORD.seconds} s",
            (0.0, HUMAN_RECORD.seconds),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            xytext=(2, 4),
            color=ROLES["human"],
            fontsize=9,
        )
        axes.set(xlabel="processor time since random weights [core-minutes]", ylabel="100 m [s]")
        axes.set_ylim(top=min(75.0, axes.get_ylim()[1]))
        axes.legend()
        return figure


def _evaluations(phase: str, metrics: pd.DataFrame, offset: float) -> list[dict[str, Any]]:
    wide = metrics.pivot_table(index="step", columns="metric", values="value")
    found = wide.reindex(columns=[CORE_MINUTES, _EVALUATED]).dropna(subset=[CORE_MINUTES])
    return [
        _row(phase, offset, 60.0 * minutes, time, None)
        for minutes, time in found.itertuples(index=False)
    ]


def _row(
    phase: str, offset: float, core_seconds: float, time: float | None, best: float | None
) -> dict[str, Any]:
    minutes = offset + core_seconds / 60.0
    return {"phase": phase, "core_minutes": minutes, "time": time, "best_tape": best}
