"""Nodes that train and evaluate experiments."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.learners.options import ValueLearning
from qwop_wr.agents.ppo_training import training_result
from qwop_wr.agents.state import TrainingState
from qwop_wr.evaluation.options import Seed
from qwop_wr.evaluation.protocols import evaluate_agent, evaluate_native
from qwop_wr.evaluation.summary import summarise
from qwop_wr.pipelines.inputs import checking
from qwop_wr.pipelines.resuming import train_on
from qwop_wr.pipelines.train.assignments import Assignment, assign
from qwop_wr.pipelines.train.curves import draw_curve
from qwop_wr.pipelines.train.options import Experiments, Scale

Stored = Mapping[str, Callable[[], TrainingState]]
"""Functions that load states of trainings, by ``scale/experiment``."""

Results = tuple[dict[str, Agent], dict[str, pd.DataFrame], dict[str, Any], dict[str, Figure]]
"""Best agent, history, summary and curve by ``scale/experiment``."""


def choose_experiment(
    experiments: Experiments, experiment: str, scale: Scale, seed: Seed
) -> list[Assignment]:
    """Find the experiment that was asked for.

    Args:
        experiments: All experiments.
        experiment: Its name.
        scale: Its scale.
        seed: Seed of everything random.

    Returns:
        It alone.

    Raises:
        BadInputError: If there is no such experiment; tells which there are.
    """
    return [assign(experiments, experiment, scale, seed)]


def train_experiment(
    chosen: list[Assignment], stored: Stored, resume: bool
) -> Iterator[dict[str, TrainingState]]:
    """Train the chosen experiment.

    Args:
        chosen: The experiment.
        stored: States of trainings, if there are any.
        resume: Go on with its own stored one instead of beginning anew.

    Yields:
        Its state after every evaluation.

    Raises:
        BadInputError: If it begins with a checkpoint that there is not, or if the training
            to go on from had other options.
    """
    for assignment in chosen:
        load = stored.get(assignment.key) if resume else None
        yield from train_assignment(assignment, stored, load() if load else None)


def train_assignment(
    assignment: Assignment, stored: Stored, state: TrainingState | None
) -> Iterator[dict[str, TrainingState]]:
    """Train one experiment in an MLflow run of its own.

    Args:
        assignment: The experiment.
        stored: States of trainings; its parent's must be among them.
        state: State to go on from.

    Yields:
        State by the key of its file, after every evaluation.
    """
    name, experiment = assignment.name, assignment.experiment
    parent = assignment.parent
    ancestor = stored[parent.key]() if parent and parent.key in stored else None
    tags = {
        "experiment": name,
        "algorithm": experiment.learning.algorithm,
        "scale": assignment.scale,
    }
    training = assignment.training(ancestor)
    run, dataset = f"{name} ({assignment.scale})", f"experiment_trainings: {assignment.key}"
    for reached in train_on(
        run, training, state, experiment.model_dump(mode="json"), tags, dataset
    ):
        yield {assignment.key: reached.noting(task=assignment.task)}


def evaluate_experiments(
    chosen: list[Assignment], trainings: Stored, evaluated: Mapping[str, Callable[[], Any]]
) -> Iterator[Results]:
    """Evaluate the best agent of every chosen experiment by the protocol.

    Args:
        chosen: The experiments.
        trainings: States of their trainings.
        evaluated: Summaries of earlier runs, if there are any; those of the same agent
            and training are not made again.

    Yields:
        Agent, history, summary and curve of one experiment at a time.
    """
    for assignment in chosen:
        key, experiment = assignment.key, assignment.experiment
        with checking(f"experiment_trainings {key}"):
            state = trainings[key]()
            result = training_result(state)
        agent = result.agent.with_card(experiment=assignment.name, scale=assignment.scale)
        facts = _facts(assignment, state, result.history)
        if key in evaluated and _says(evaluated[key](), {**facts, "agent": agent.fingerprint}):
            continue
        episodes = evaluate_agent(agent, experiment.environment, experiment.evaluation).episodes
        native = evaluate_native(agent, experiment.environment, experiment.evaluation).episodes
        rng = np.random.default_rng(assignment.seed)
        summary = summarise(episodes, native, {}, experiment.evaluation, rng)
        curve = draw_curve({assignment.name: result.history})
        yield {key: agent}, {key: result.history}, {key: {**summary, **facts}}, {key: curve}


def _facts(assignment: Assignment, state: TrainingState, history: pd.DataFrame) -> dict[str, Any]:
    """What is told of a training beside its best agent's evaluation."""
    experiment, learning = assignment.experiment, assignment.experiment.learning
    distances = history.loc[history["metric"] == "evaluation/mean_distance", "value"]
    values = history.loc[history["metric"] == "train/value", "value"]
    copied = None
    if isinstance(learning, ValueLearning):
        copied = learning.gradient_steps_per_target(experiment.n_games)
    return {
        "experiment": assignment.name,
        "scale": assignment.scale,
        "algorithm": learning.algorithm,
        "task": assignment.task,
        "finished": state.finished,
        "diverged_at": state.facts["diverged_at"],
        "steps": state.facts["steps"],
        "minutes": cast("float", state.facts["seconds"]) / 60.0,
        "gradient_steps_per_target": copied,
        "best_evaluated_distance": float(distances.max()),
        "last_evaluated_distance": float(distances.iloc[-1]),
        "last_value": float(values.iloc[-1]) if len(values) else None,
    }


def _says(summary: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    return all(summary.get(name) == value for name, value in facts.items())
