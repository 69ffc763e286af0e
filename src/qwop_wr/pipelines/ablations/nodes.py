"""Nodes that train variants of a stage and compare what becomes of them."""

import hashlib
from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from qwop_wr.compute import ComputeOptions, Job, run_job
from qwop_wr.datasets import Recording
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.protocols import randomised_environment
from qwop_wr.pipelines.ablations.options import AblationOptions
from qwop_wr.pipelines.ablations.training import (
    Variant,
    VariantTraining,
    describe_variant,
    train_variant,
)
from qwop_wr.pipelines.inputs import checking
from qwop_wr.pipelines.training.nodes import Stage
from qwop_wr.pipelines.variants import Cell, Measure, StoredCells, fingerprint, pending, tabulate

MEASURES: Final = (
    Measure("finish_rate", "finish rate", "{:.1f} %", 100.0),
    Measure("median_time", "median time", "{:.2f} s"),
    Measure("mean_cost", "mean cost", "{:.1f} s"),
    Measure("last_finish_rate", "finish rate at the end", "{:.1f} %", 100.0),
    Measure("rollbacks", "rollbacks", "{:.1f}"),
    Measure("processor_seconds", "processor time", "{:.1f} min", 1 / 60),
)
"""Three of the agent handed on, on the gate's starts; finish rate of the learner's last
evaluation; how often it had to be rolled back; and what the training cost, all threads
together."""


def train_variants(
    finished: StoredCells,
    demonstrations: Recording,
    environment: EnvironmentOptions,
    stage: Stage,
    evaluation: EvaluationOptions,
    options: AblationOptions,
    compute: ComputeOptions,
) -> Iterator[dict[str, Cell]]:
    """Train every variant with every seed, from fresh networks.

    Args:
        finished: Cells of earlier runs, by ``variant/seed``; those of the same
            parameters and demonstrations are not trained again.
        demonstrations: What the variants learn from.
        environment: Environment that all pipelines share.
        stage: The stage that is varied.
        evaluation: Protocol whose noise the evaluated games have.
        options: The variants.
        compute: Where they are trained; cells do not depend on it.

    Yields:
        One cell each, as soon as it and those before are trained; seeds are the outer loop.

    Raises:
        BadInputError: If a variant's changes or the demonstrations do not fit.
    """
    with checking("demonstrations"):
        transitions = demonstrations.transitions_for(environment.interface)
    variants = {}
    for name in options.names:
        with checking(f"ablations.variants.{name}"):
            variants[name] = options.stage(name, stage.options)
    games = stage.games
    played, noisy = games.environment(environment), randomised_environment(environment, evaluation)
    training = VariantTraining(transitions, games.n_games, played, noisy)
    shared = [one.model_dump(mode="json") for one in (played, games, noisy)]
    data = hashlib.sha256(transitions.obs.tobytes() + transitions.actions.tobytes()).hexdigest()
    measured = [measure.name for measure in MEASURES]
    tasks = {
        name: fingerprint(*shared, variant.model_dump(mode="json"), data, measured)
        for name, variant in variants.items()
    }
    wanted = list(pending(finished, options.seeds, tasks))
    items = [Variant(name, seed, variants[name]) for name, seed, _ in wanted]
    job = Job("ablations", train_variant, training, describe_variant, unit="trainings")
    done = run_job(job, items, compute)
    for item, (name, seed, cell), trained in zip(items, wanted, done, strict=True):
        trained.value.log(item)
        yield {f"{name}/{seed}": {**cell, **trained.value.outcome}}


def tabulate_variants(
    cells: StoredCells, options: AblationOptions
) -> tuple[pd.DataFrame, str, dict[str, Any]]:
    """Sum the trainings of every variant up.

    Args:
        cells: Trained cells by ``variant/seed``.
        options: The variants, and how intervals are made.

    Returns:
        A row per variant; the same as a Markdown table; and its ``columns`` and ``rows``
        as texts, for the report.

    Raises:
        BadInputError: If a variant has not been trained at all.
    """
    return tabulate("ablations", cells, options, MEASURES)
