"""From an expert to recorded transitions."""

from kedro.pipeline import Node, Pipeline

from qwop_wr.pipelines.demonstrations.nodes import collect_demonstrations


def create_pipeline() -> Pipeline:
    """Collect demonstrations of the expert.

    Returns:
        Pipeline from ``expert_agent`` to ``demonstrations``.
    """
    return Pipeline(
        [
            Node(
                collect_demonstrations,
                inputs={
                    "expert": "expert_agent",
                    "environment": "params:environment",
                    "games": "params:demonstrations.games",
                    "options": "params:demonstrations.options",
                },
                outputs=["demonstrations", "demonstrations_summary"],
                name="collect_demonstrations",
            )
        ]
    )
