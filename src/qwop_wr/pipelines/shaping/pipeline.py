"""From ways of shaping to a table of how one runs then."""

from kedro.pipeline import Node, Pipeline

from qwop_wr.pipelines.shaping.nodes import tabulate_shaped, train_shaped


def create_pipeline() -> Pipeline:
    """Train in differently shaped games and compare.

    Cells are saved one by one, so that an interrupted run goes on where it was.

    Returns:
        Pipeline from parameters to ``shaping_table``.
    """
    return Pipeline(
        [
            Node(
                train_shaped,
                inputs={
                    "finished": "finished_shaping_cells",
                    "evaluation": "params:evaluation",
                    "options": "params:shaping",
                },
                outputs="trained_shaping_cells",
                name="train_shaped",
            ),
            Node(
                tabulate_shaped,
                inputs={"cells": "trained_shaping_cells", "options": "params:shaping"},
                outputs=["shaping_table", "shaping_report"],
                name="tabulate_shaped",
            ),
        ]
    )
