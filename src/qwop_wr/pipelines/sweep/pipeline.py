"""From a space of parameters to the best ones."""

from kedro.pipeline import Node, Pipeline

from qwop_wr.pipelines.sweep.nodes import run_sweep


def create_pipeline() -> Pipeline:
    """Search over parameters of the experiment that ``--params=experiment=NAME`` names.

    Returns:
        Pipeline from ``params:sweep`` to ``sweep_trials`` and ``sweep_best``.
    """
    return Pipeline(
        [
            Node(
                run_sweep,
                inputs={
                    "experiments": "params:experiments",
                    "experiment": "params:experiment",
                    "scale": "params:scale",
                    "sweep": "params:sweep",
                    "storage": "sweep_storage",
                    "seed": "params:seed",
                },
                outputs=["sweep_trials", "sweep_best"],
                name="run_sweep",
            )
        ]
    )
