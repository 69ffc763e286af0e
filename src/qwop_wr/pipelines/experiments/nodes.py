"""Nodes that choose, train, evaluate and compare experiments."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.learners.options import ValueLearning
from qwop_wr.agents.state import TrainingState
from qwop_wr.agents.training import training_result
from qwop_wr.compute import ComputeOptions, Job, run_job
from qwop_wr.datasets import Recording
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.evaluation.options import EvaluationOptions, Seed
from qwop_wr.evaluation.protocols import (
    evaluate_agent,
    evaluate_without_noise,
    randomised_options,
)
from qwop_wr.evaluation.summary import summarise
from qwop_wr.pipelines.experiments.options import Experiments, Study
from qwop_wr.pipelines.experiments.runs import (
    ExperimentRun,
    VariantRun,
    VariantSetting,
    describe_run,
    plan_run,
    train_variant,
    variant_options,
    with_parents,
)
from qwop_wr.pipelines.experiments.table import MEASURES, Cell, Cells, draw_curves, tabulate
from qwop_wr.pipelines.inputs import checking
from qwop_wr.pipelines.resuming import train_on
from qwop_wr.pipelines.training.nodes import AgentOptions, Stage

States = Mapping[str, Callable[[], TrainingState]]
"""Functions that load states of trainings, by ``experiment/seed``."""
Results = tuple[dict[str, Agent], dict[str, pd.DataFrame], dict[str, Cell]]
"""Best agent, history and cell by ``experiment/seed``."""


def choose_experiment(
    experiments: Experiments, experiment: str, seed: Seed
) -> tuple[list[ExperimentRun], Study]:
    """Plan the run of the requested experiment, and a study of it alone.

    Raises:
        BadInputError: If there is no such experiment; lists the known ones.
    """
    run = plan_run(experiments, experiment, seed)
    return [run], Study(experiments=(experiment,), seeds=(seed,))


def choose_study(
    experiments: Experiments, study: Study, seed: Seed
) -> tuple[list[ExperimentRun], Study]:
    """Plan the runs of a study and of the experiments that they start from.

    Args:
        seed: Seed if the study names none.

    Returns:
        Runs, seeds the outer loop, each after the one that it starts from; and the study.

    Raises:
        BadInputError: If there is no such experiment.
    """
    study = study.seeded(seed)
    for name in study.experiments:
        experiments.named(name)
    names = list(with_parents(experiments, study.experiments))
    return [plan_run(experiments, name, s) for s in study.seeds or () for name in names], study


def train_experiment(
    chosen: list[ExperimentRun], stored: States, resume: bool
) -> Iterator[dict[str, TrainingState]]:
    """Train the chosen experiment; yields its state after every evaluation.

    Args:
        stored: States of trainings, if there are any.
        resume: Continue from its own stored state instead of starting anew.

    Raises:
        BadInputError: If it starts from a checkpoint that does not exist, or the stored
            training had other options.
    """
    for run in chosen:
        load = stored.get(run.key) if resume else None
        yield from _train(run, stored, load() if load else None)


def train_missing(
    chosen: list[ExperimentRun], stored: States
) -> Iterator[dict[str, TrainingState]]:
    """Train the runs that are not complete with the present configuration; stopped ones resume.

    Args:
        chosen: Runs, each after the one that it starts from.
        stored: States of trainings, if there are any.
    """
    newest: dict[str, Callable[[], TrainingState]] = dict(stored)
    for run in chosen:
        state = newest[run.key]() if run.key in newest else None
        if state is not None and state.facts.get("task") != run.task:
            state = None
        if state is not None and run.experiment.plan.training.is_over(state):
            continue
        for reached in _train(run, newest, state):
            newest[run.key] = _giving(reached[run.key])
            yield reached


def _train(
    run: ExperimentRun, stored: States, state: TrainingState | None
) -> Iterator[dict[str, TrainingState]]:
    parent = run.parent
    ancestor = stored[parent.key]() if parent and parent.key in stored else None
    tags = {"experiment": run.name, "algorithm": run.experiment.plan.learning.algorithm}
    training = run.training(ancestor)
    dataset = f"experiment_trainings: {run.key}"
    options = run.experiment.model_dump(mode="json")
    for reached in train_on(run.title, training, state, options, tags, dataset):
        yield {run.key: reached.with_facts(task=run.task)}


def _giving(state: TrainingState) -> Callable[[], TrainingState]:
    return lambda: state


def evaluate_experiments(
    chosen: list[ExperimentRun], trainings: States, evaluated: Cells
) -> Iterator[Results]:
    """Evaluate the best agent of every chosen run by the protocol.

    Args:
        evaluated: Earlier cells; one of the same agent and training is kept.

    Yields:
        Agent, history and cell of one run at a time, after an empty step.
    """
    # Kedro needs a first step, even if all was evaluated before.
    yield {}, {}, {}
    for run in chosen:
        experiment = run.experiment
        with checking(f"experiment_trainings {run.key}"):
            state = trainings[run.key]()
            result = training_result(state)
        agent = result.agent.with_card(experiment=run.name)
        facts = {**_facts(run, state, result.history), "agent": agent.fingerprint}
        if run.key in evaluated and facts.items() <= evaluated[run.key]().items():
            continue
        episodes = evaluate_agent(agent, experiment.environment, experiment.evaluation).episodes
        native = evaluate_without_noise(
            agent, experiment.environment, experiment.evaluation
        ).episodes
        rng = np.random.default_rng(run.seed)
        cell = {**summarise(episodes, native, {}, experiment.evaluation, rng), **facts}
        yield {run.key: agent}, {run.key: result.history}, {run.key: cell}


def _facts(run: ExperimentRun, state: TrainingState, history: pd.DataFrame) -> Cell:
    """Facts of a training that a cell keeps beside the evaluation."""
    learning = run.experiment.plan.learning
    distances = history.loc[history["metric"] == "evaluation/mean_distance", "value"]
    values = history.loc[history["metric"] == "train/value", "value"]
    copied = None
    if isinstance(learning, ValueLearning):
        copied = learning.gradient_steps_per_target(run.experiment.n_games)
    return {
        "experiment": run.name,
        "seed": run.seed,
        "algorithm": learning.algorithm,
        "task": run.task,
        "finished": state.finished,
        "diverged_at": state.facts["diverged_at"],
        "steps": state.facts["steps"],
        "minutes": cast("float", state.facts["seconds"]) / 60.0,
        "gradient_steps_per_target": copied,
        "best_evaluated_distance": float(distances.max()),
        "last_evaluated_distance": float(distances.iloc[-1]),
        "last_value": float(values.iloc[-1]) if len(values) else None,
    }


def train_variants(  # noqa: PLR0913, PLR0917 (an argument per input)
    finished: Cells,
    demonstrations: Recording,
    experiments: Experiments,
    study: Study,
    stage: Stage,
    agent: AgentOptions,
    environment: EnvironmentOptions,
    evaluation: EvaluationOptions,
    seed: Seed,
    compute: ComputeOptions,
) -> Iterator[tuple[dict[str, pd.DataFrame], dict[str, Cell]]]:
    """Train variants of stage 1, each with every seed, from fresh networks.

    Args:
        finished: Earlier cells by ``experiment/seed``; one of the same options, games and
            demonstrations is kept.
        stage: The stage that is varied.
        agent: Network and targets, before a variant's changes.
        evaluation: Protocol whose noise the evaluated games have.
        seed: Seed if the study names none.

    Yields:
        History and cell of one run at a time, after an empty step, as soon as it and those
        before are trained; seeds are the outer loop.

    Raises:
        BadInputError: If a variant's changes or the demonstrations do not fit.
    """
    with checking("demonstrations"):
        transitions = demonstrations.transitions_for(environment.interface)
    base = agent.applied_to(stage.options)
    options = {name: variant_options(experiments, name, base) for name in study.experiments}
    played, noisy = (
        stage.games.environment(environment),
        randomised_options(environment, evaluation),
    )
    setting = VariantSetting(transitions, stage.games.n_games, played, noisy)
    measured = [measure.name for measure in MEASURES]
    tasks = {name: setting.task(variant, measured) for name, variant in options.items()}
    runs = [
        VariantRun(name, number, variant)
        for number in study.seeded(seed).seeds or ()
        for name, variant in options.items()
    ]
    is_finished = {
        run.key: run.key in finished and finished[run.key]()["task"] == tasks[run.name]
        for run in runs
    }
    wanted = [run for run in runs if not is_finished[run.key]]
    # Kedro needs a first step, even if all was trained before.
    yield {}, {}
    job = Job("ablations", train_variant, setting, describe_run, unit="trainings")
    for run, trained in zip(wanted, run_job(job, wanted, compute), strict=True):
        trained.value.log(run)
        facts = {"experiment": run.name, "seed": run.seed, "algorithm": stage.name}
        cell = {**facts, "task": tasks[run.name], **trained.value.outcome}
        yield {run.key: trained.value.history}, {run.key: cell}


def tabulate_study(
    cells: Cells,
    histories: Mapping[str, Callable[[], pd.DataFrame]],
    experiments: Experiments,
    study: Study,
    seed: Seed,
) -> tuple[pd.DataFrame, str, dict[str, Any], Figure]:
    """Compare experiments in one table.

    Args:
        seed: Seed if the study names none.

    Returns:
        A row per experiment; the same as a Markdown table with hypotheses and original
        outcomes below; its ``columns`` and ``rows`` as texts; and the curves.

    Raises:
        BadInputError: If an experiment has not been run at all.
    """
    study = study.seeded(seed)
    table = tabulate(cells, experiments, study)
    keys = [key for name in study.experiments for key in study.keys(name) if key in histories]
    return *table, draw_curves({key: histories[key]() for key in keys})
