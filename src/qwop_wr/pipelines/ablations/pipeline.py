"""From demonstrations to a table of what each part of the learner is worth."""

from kedro.pipeline import Node, Pipeline

from qwop_wr.pipelines.ablations.nodes import tabulate_variants, train_variants


def create_pipeline() -> Pipeline:
    """Train variants of stage 1 and compare them.

    Cells are saved one by one, so that an interrupted run goes on where it was.

    Returns:
        Pipeline from ``demonstrations`` to ``ablations_table``.
    """
    return Pipeline(
        [
            Node(
                train_variants,
                inputs={
                    "finished": "finished_ablation_cells",
                    "demonstrations": "demonstrations",
                    "environment": "params:environment",
                    "stage": "params:dqnfd",
                    "evaluation": "params:evaluation",
                    "options": "params:ablations",
                    "compute": "params:compute",
                },
                outputs="trained_ablation_cells",
                name="train_variants",
            ),
            Node(
                tabulate_variants,
                inputs={"cells": "trained_ablation_cells", "options": "params:ablations"},
                outputs=["ablations_table", "ablations_report", "ablations"],
                name="tabulate_variants",
            ),
        ]
    )
