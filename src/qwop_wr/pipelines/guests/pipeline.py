"""From imported agents to a table."""

from kedro.pipeline import Node, Pipeline

from qwop_wr.pipelines.guests.nodes import rank_guests


def create_pipeline() -> Pipeline:
    """Measure agents from elsewhere.

    Returns:
        Pipeline from ``guest_agents`` to ``guests_table``.
    """
    return Pipeline(
        [
            Node(
                rank_guests,
                inputs={
                    "guests": "guest_agents",
                    "expert": "reigning_expert_agent",
                    "environment": "params:environment",
                    "evaluation": "params:evaluation",
                },
                outputs=["guests_table", "guests_report"],
                name="rank_guests",
            )
        ]
    )
