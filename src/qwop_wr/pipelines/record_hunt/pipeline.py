"""From agents to the fastest tape."""

from kedro.pipeline import Node, Pipeline

from qwop_wr.pipelines.inputs import parameters
from qwop_wr.pipelines.record_hunt.nodes import hunt_record, hunt_with_agent, refine_guides


def create_guides() -> Pipeline:
    """Refine values and policy of ``guide_agents`` on states that searches visit."""
    return Pipeline(
        [
            Node(
                refine_guides,
                inputs={
                    "expert": "expert_agent",
                    "reigning": "reigning_guide_agents",
                    "options": "params:guides",
                    **parameters("environment", "seed"),
                },
                outputs=["guide_agents", "guides_summary"],
                name="refine_guides",
            )
        ]
    )


def create_pipeline() -> Pipeline:
    """Hunt for a faster ``record_tape``, starting from the reigning one."""
    return Pipeline(
        [
            Node(
                hunt_record,
                inputs={
                    "guides": "reigning_guide_agents",
                    "reigning": "reigning_record_tape",
                    "options": "params:record_hunt",
                    **parameters("environment", "seed", "compute"),
                },
                outputs=["record_tape", "record_hunt_summary"],
                name="hunt_record",
            )
        ]
    )


def create_short_hunt(agent: str) -> Pipeline:
    """Hunt briefly with a newly trained agent, a dataset, among the guides."""
    return Pipeline(
        [
            Node(
                hunt_with_agent,
                inputs={
                    "agent": agent,
                    "guides": "reigning_guide_agents",
                    "reigning": "reigning_record_tape",
                    "options": "params:short_hunt",
                    **parameters("environment", "seed", "compute"),
                },
                outputs=["record_tape", "short_hunt_summary"],
                name="hunt_with_agent",
            )
        ],
        namespace="hunt",
        prefix_datasets_with_namespace=False,
    )
