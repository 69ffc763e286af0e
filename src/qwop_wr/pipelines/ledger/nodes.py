"""Nodes that run the experiments that were not, and compare all."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import pandas as pd
from matplotlib.figure import Figure

from qwop_wr.agents.state import TrainingState
from qwop_wr.errors import BadInputError
from qwop_wr.evaluation.options import Seed
from qwop_wr.pipelines.ledger.options import LedgerOptions
from qwop_wr.pipelines.train.assignments import Assignment, assign, in_order
from qwop_wr.pipelines.train.curves import draw_curve
from qwop_wr.pipelines.train.nodes import Stored, train_assignment
from qwop_wr.pipelines.train.options import Experiments, Scale

_COLUMNS: Final = {
    "experiment": "experiment",
    "algorithm": "algorithm",
    "steps": "steps",
    "gradient_steps_per_target": "gradient steps per target",
    "best_evaluated_distance": "best mean distance",
    "last_evaluated_distance": "last mean distance",
    "last_value": "last value",
    "finish_rate": "finishes",
    "median_time": "median time",
    "mean_knee_near_ground": "a knee near the ground",
    "minutes": "minutes",
}
"""Columns of the table, and what they are called for readers."""

_FORMS: Final = {
    "steps": "{:,.0f}",
    "gradient_steps_per_target": "{:,.0f}",
    "best_evaluated_distance": "{:.1f} m",
    "last_evaluated_distance": "{:.1f} m",
    "last_value": "{:,.1f}",
    "finish_rate": "{:.0%}",
    "median_time": "{:.1f} s",
    "mean_knee_near_ground": "{:.0%}",
    "minutes": "{:.1f}",
}


def choose_all(
    experiments: Experiments, ledger: LedgerOptions, scale: Scale, seed: Seed
) -> list[Assignment]:
    """Find the experiments of the ledger, and those that they begin with.

    Args:
        experiments: All experiments.
        ledger: Which of them.
        scale: Scale of all.
        seed: Seed of everything random.

    Returns:
        Assignments, each behind the one that it begins with.

    Raises:
        BadInputError: If one does not exist, or if there are none.
    """
    names = list(ledger.experiments or experiments.root)
    for name in names:
        experiments.named(name)
    if not names:
        raise BadInputError("ledger: no experiments are configured here; add --env=experiments")
    return [assign(experiments, name, scale, seed) for name in in_order(experiments, names)]


def run_missing(chosen: list[Assignment], stored: Stored) -> Iterator[dict[str, TrainingState]]:
    """Train what has not been trained to its end with the present configuration.

    Args:
        chosen: Experiments, each behind the one that it begins with.
        stored: States of trainings, if there are any.

    Yields:
        States while they come; a training that was stopped is gone on with.
    """
    newest: dict[str, Callable[[], TrainingState]] = dict(stored)
    for assignment in chosen:
        key = assignment.key
        state = newest[key]() if key in newest else None
        if state is not None and state.facts.get("task") != assignment.task:
            state = None
        if state is not None and assignment.experiment.training.is_over(state):
            continue
        for step in train_assignment(assignment, newest, state):
            newest[key] = _giving(step[key])
            yield step


def tabulate_ledger(
    chosen: list[Assignment],
    summaries: Mapping[str, Callable[[], dict[str, Any]]],
    histories: Mapping[str, Callable[[], pd.DataFrame]],
) -> tuple[pd.DataFrame, str, Figure]:
    """Put the experiments side by side.

    Args:
        chosen: The experiments.
        summaries: What came of each.
        histories: Their metrics.

    Returns:
        A row per experiment; the same as a Markdown table with hypotheses and original
        outcomes below; and the curves.
    """
    table = pd.DataFrame([summaries[one.key]() for one in chosen])
    table = table[[*_COLUMNS, "scale", "diverged_at", "agent"]]
    rows = [[_text(name, row[name]) for name in _COLUMNS] for row in table.to_dict("records")]
    lines = [list(_COLUMNS.values()), ["---", "---", *["---:"] * (len(_COLUMNS) - 2)], *rows]
    text = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    notes = "".join(f"\n{_note(one)}\n" for one in chosen)
    return table, text + notes, draw_curve({one.name: histories[one.key]() for one in chosen})


def _giving(state: TrainingState) -> Callable[[], TrainingState]:
    return lambda: state


def _text(name: str, value: Any) -> str:  # noqa: ANN401 - a cell of a table
    if pd.isna(value):
        return "none" if name == "median_time" else ""
    return _FORMS[name].format(value) if name in _FORMS else str(value)


def _note(assignment: Assignment) -> str:
    experiment = assignment.experiment
    parts = [f"**{assignment.name}**: {experiment.hypothesis}"]
    if experiment.outcome is not None:
        parts.append(f"Originally: {experiment.outcome}")
    if experiment.source is not None:
        parts.append(f"({experiment.source})")
    return " ".join(parts)
