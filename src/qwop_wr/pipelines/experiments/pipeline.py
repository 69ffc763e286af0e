"""One pipeline for all experiments: choose, train missing runs, evaluate, compare."""

from kedro.pipeline import Node, Pipeline

from qwop_wr.pipelines.experiments.nodes import (
    choose_experiment,
    choose_study,
    evaluate_experiments,
    tabulate_study,
    train_experiment,
    train_missing,
    train_variants,
)
from qwop_wr.pipelines.experiments.sweep import run_sweep
from qwop_wr.pipelines.inputs import parameters


def create_pipeline() -> Pipeline:
    """Train the experiment that ``--params=experiment=NAME`` names, evaluate and tabulate it."""
    choose = Node(
        choose_experiment,
        inputs=parameters("experiments", "experiment", "seed"),
        outputs=["chosen_runs", "chosen_study"],
        name="choose_experiment",
    )
    train = Node(
        train_experiment,
        inputs={
            "chosen": "chosen_runs",
            "stored": "stored_experiment_trainings",
            "resume": "params:resume",
        },
        outputs="experiment_trainings",
        name="train_experiment",
    )
    return Pipeline([choose, train, _evaluate(), _tabulate("experiments", "chosen_study")])


def create_study(name: str) -> Pipeline:
    """Train the missing runs of a study, evaluate all: ``{name}_table`` and ``{name}_curves``.

    Stopped runs resume; finished ones are reused.
    """
    choose = Node(
        choose_study,
        inputs={"study": f"params:{name}", **parameters("experiments", "seed")},
        outputs=["chosen_runs", "chosen_study"],
        name="choose_study",
    )
    train = Node(
        train_missing,
        inputs={"chosen": "chosen_runs", "stored": "stored_experiment_trainings"},
        outputs="experiment_trainings",
        name="train_missing",
    )
    return Pipeline([choose, train, _evaluate(), _tabulate(name, "chosen_study")])


def create_ablations() -> Pipeline:
    """Train variants of stage 1 on ``demonstrations`` and compare them in ``ablations_table``."""
    train = Node(
        train_variants,
        inputs={
            "finished": "stored_experiment_cells",
            "demonstrations": "demonstrations",
            "study": "params:ablations",
            "stage": "params:dqnfd",
            **parameters("experiments", "agent", "environment", "evaluation", "seed", "compute"),
        },
        outputs=["experiment_histories", "experiment_cells"],
        name="train_variants",
    )
    return Pipeline([train, _tabulate("ablations", "params:ablations")])


def create_sweep() -> Pipeline:
    """Search over parameters of the experiment that ``--params=experiment=NAME`` names."""
    return Pipeline(
        [
            Node(
                run_sweep,
                inputs={
                    "storage": "sweep_storage",
                    **parameters("experiments", "experiment", "sweep", "seed"),
                },
                outputs=["sweep_trials", "sweep_best"],
                name="run_sweep",
            )
        ]
    )


def _evaluate() -> Node:
    return Node(
        evaluate_experiments,
        inputs={
            "chosen": "chosen_runs",
            "trainings": "experiment_trainings",
            "evaluated": "stored_experiment_cells",
        },
        outputs=["experiment_agents", "experiment_histories", "experiment_cells"],
        name="evaluate_experiments",
    )


def _tabulate(name: str, study: str) -> Node:
    return Node(
        tabulate_study,
        inputs={
            "cells": "experiment_cells",
            "histories": "experiment_histories",
            "study": study,
            **parameters("experiments", "seed"),
        },
        outputs=[f"{name}_table", f"{name}_report", f"{name}_rows", f"{name}_curves"],
        name="tabulate_study",
    )
