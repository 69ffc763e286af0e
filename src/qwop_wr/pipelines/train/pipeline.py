"""From a named experiment to its best agent, curve and evaluation."""

from kedro.pipeline import Node, Pipeline

from qwop_wr.pipelines.train.nodes import (
    choose_experiment,
    evaluate_experiments,
    train_experiment,
)


def create_pipeline() -> Pipeline:
    """Train the experiment that ``--params=experiment=NAME`` names, and evaluate it.

    Returns:
        Pipeline from ``params:experiments`` to the experiment's agent, history, summary
        and curve.
    """
    choose = Node(
        choose_experiment,
        inputs={
            "experiments": "params:experiments",
            "experiment": "params:experiment",
            "scale": "params:scale",
            "seed": "params:seed",
        },
        outputs="chosen_experiment",
        name="choose_experiment",
    )
    train = Node(
        train_experiment,
        inputs={
            "chosen": "chosen_experiment",
            "stored": "stored_experiment_trainings",
            "resume": "params:resume",
        },
        outputs="experiment_trainings",
        name="train_experiment",
    )
    return Pipeline([choose, train, create_evaluation("chosen_experiment")])


def create_evaluation(chosen: str) -> Node:
    """Make the node that evaluates experiments, whichever were chosen.

    Args:
        chosen: Name of the dataset of assignments.

    Returns:
        Node from ``experiment_trainings`` to agents, histories, summaries and curves.
    """
    return Node(
        evaluate_experiments,
        inputs={
            "chosen": chosen,
            "trainings": "experiment_trainings",
            "evaluated": "stored_experiment_summaries",
        },
        outputs=[
            "experiment_agents",
            "experiment_histories",
            "experiment_summaries",
            "experiment_curves",
        ],
        name="evaluate_experiments",
    )
