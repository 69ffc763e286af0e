"""From random weights to an expert."""

from kedro.pipeline import Node, Pipeline

from qwop_wr.pipelines.expert.nodes import select_expert, train_expert


def create_pipeline() -> Pipeline:
    """Train an expert and let it challenge the reigning one.

    Returns:
        Pipeline from parameters to ``expert_agent``.
    """
    return Pipeline(
        [
            Node(
                train_expert,
                inputs={
                    "reigning": "reigning_expert_agent",
                    "environment": "params:environment",
                    "games": "params:expert.games",
                    "options": "params:expert.options",
                    "evaluation": "params:evaluation",
                    "seed": "params:seed",
                },
                outputs=["expert_candidate", "expert_history"],
                name="train_expert",
            ),
            Node(
                select_expert,
                inputs={
                    "candidate": "expert_candidate",
                    "reigning": "reigning_expert_agent",
                    "environment": "params:environment",
                    "evaluation": "params:evaluation",
                    "options": "params:expert.gate",
                    "seed": "params:seed",
                },
                outputs=["expert_agent", "expert_gate"],
                name="select_expert",
            ),
        ]
    )
