"""From the expert to the guides of the record hunt."""

from kedro.pipeline import Node, Pipeline

from qwop_wr.pipelines.guides.nodes import refine_guides


def create_pipeline() -> Pipeline:
    """Refine values where searches go.

    Returns:
        Pipeline from ``expert_agent`` and the guides so far to ``guide_agents``.
    """
    return Pipeline(
        [
            Node(
                refine_guides,
                inputs={
                    "expert": "expert_agent",
                    "reigning": "reigning_guide_agents",
                    "environment": "params:environment",
                    "options": "params:guides",
                    "seed": "params:seed",
                },
                outputs=["guide_agents", "guides_summary"],
                name="refine_guides",
            )
        ]
    )
