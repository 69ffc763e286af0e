"""From all experiments to one table."""

from kedro.pipeline import Node, Pipeline

from qwop_wr.pipelines.ledger.nodes import choose_all, run_missing, tabulate_ledger
from qwop_wr.pipelines.train.pipeline import create_evaluation


def create_pipeline() -> Pipeline:
    """Train the experiments that were not trained yet, evaluate and compare all.

    What was stopped is gone on with; what is finished is only gathered.

    Returns:
        Pipeline from ``params:experiments`` to ``ledger_table`` and ``ledger_curves``.
    """
    choose = Node(
        choose_all,
        inputs={
            "experiments": "params:experiments",
            "ledger": "params:ledger",
            "scale": "params:scale",
            "seed": "params:seed",
        },
        outputs="chosen_experiments",
        name="choose_experiments",
    )
    run = Node(
        run_missing,
        inputs={"chosen": "chosen_experiments", "stored": "stored_experiment_trainings"},
        outputs="experiment_trainings",
        name="run_missing",
    )
    tabulate = Node(
        tabulate_ledger,
        inputs={
            "chosen": "chosen_experiments",
            "summaries": "experiment_summaries",
            "histories": "experiment_histories",
        },
        outputs=["ledger_table", "ledger_report", "ledger_curves"],
        name="tabulate_ledger",
    )
    return Pipeline([choose, run, create_evaluation("chosen_experiments"), tabulate])
