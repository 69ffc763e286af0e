"""Nodes that train in games of differently shaped rewards and compare how one runs then."""

from collections import deque
from collections.abc import Iterator
from typing import Final

import pandas as pd

from qwop_wr.agents.ppo_training import training_result
from qwop_wr.evaluation.episodes import finish_times
from qwop_wr.evaluation.options import EvaluationOptions, Seed
from qwop_wr.evaluation.protocols import evaluate_agent
from qwop_wr.pipelines.games import GamesOptions
from qwop_wr.pipelines.inputs import checking
from qwop_wr.pipelines.ppo import ppo_training
from qwop_wr.pipelines.shaping.options import ShapingStudyOptions
from qwop_wr.pipelines.variants import Cell, Measure, StoredCells, fingerprint, pending, tabulate
from qwop_wr.tracking import stage_run

MEASURES: Final = (
    Measure("scraping", "a knee near the ground", "{:.0f} %", 100.0),
    Measure("finish_rate", "finish rate", "{:.0f} %", 100.0),
    Measure("median_time", "median time", "{:.1f} s"),
    Measure("mean_distance", "mean distance", "{:.1f} m"),
)
"""Share of the decisions after which a knee was near the ground, averaged over the runs;
the rest as in every evaluation."""


def train_shaped(
    finished: StoredCells,
    evaluation: EvaluationOptions,
    options: ShapingStudyOptions,
) -> Iterator[dict[str, Cell]]:
    """Train every variant with every seed, from random weights.

    Args:
        finished: Cells of earlier runs, by ``variant/seed``; those of the same
            parameters are not trained again.
        evaluation: Protocol that every best agent is evaluated by.
        options: The variants.

    Yields:
        One cell each, as soon as it is trained; seeds are the outer loop.

    Raises:
        BadInputError: If a variant's changes do not fit.
    """
    variants = {}
    for name in options.names:
        with checking(f"shaping.variants.{name}"):
            variants[name] = options.variant_games(name)
    shared = [
        options.environment.model_dump(mode="json"),
        evaluation.model_dump(mode="json"),
        options.learner.model_dump(mode="json", exclude={"progress_bar", "log_every"}),
    ]
    tasks = {
        name: fingerprint(*shared, games.model_dump(mode="json"))
        for name, games in variants.items()
    }
    for name, seed, cell in pending(finished, options.seeds, tasks):
        outcome = _train(f"{name} {seed}", variants[name], evaluation, options, seed)
        yield {f"{name}/{seed}": {**cell, **outcome}}


def _train(
    title: str,
    games: GamesOptions,
    evaluation: EvaluationOptions,
    options: ShapingStudyOptions,
    seed: Seed,
) -> Cell:
    learner, environment = options.learner, options.environment
    with stage_run(title, {"games": games, "options": learner}) as sink:
        with checking("shaping"):
            training = ppo_training(learner, games, environment, evaluation, seed)
        (state,) = deque(training.run(sink=sink), maxlen=1)
    agent = training_result(state).agent
    return _outcome(evaluate_agent(agent, environment, evaluation).episodes) | {
        "steps": state.facts["steps"]
    }


def _outcome(episodes: pd.DataFrame) -> Cell:
    times = finish_times(episodes)
    return {
        "scraping": float(episodes["knee_near_ground"].mean()),
        "finish_rate": float(episodes["finished"].mean()),
        "median_time": float(pd.Series(times).median()) if len(times) else None,
        "mean_distance": float(episodes["distance"].mean()),
        "seeds_evaluated": len(episodes),
    }


def tabulate_shaped(cells: StoredCells, options: ShapingStudyOptions) -> tuple[pd.DataFrame, str]:
    """Sum the trainings of every variant up.

    Args:
        cells: Trained cells by ``variant/seed``.
        options: The variants, and how intervals are made.

    Returns:
        A row per variant, and the same as a Markdown table.

    Raises:
        BadInputError: If a variant has not been trained at all.
    """
    table = tabulate("shaping", cells, options, MEASURES)
    return table.frame, table.markdown
