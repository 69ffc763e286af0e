"""From the final agent to 500 evaluated seeds."""

from kedro.pipeline import Node, Pipeline

from qwop_wr.pipelines.evaluation.nodes import (
    challenge_champion,
    run_protocols,
    summarise_evaluation,
)
from qwop_wr.pipelines.training.pipeline import STAGES


def create_pipeline() -> Pipeline:
    """Evaluate what the last stage handed on.

    Returns:
        Pipeline from the last stage's agent to ``summary``, ``tapes`` and ``champion_agent``.
    """
    return Pipeline(
        [
            Node(
                run_protocols,
                inputs={
                    "agent": f"{STAGES[-1]}_agent",
                    "environment": "params:environment",
                    "options": "params:evaluation",
                },
                outputs=["evaluation_episodes", "native_episode", "tapes"],
                name="run_protocols",
            ),
            create_summary_node(),
            Node(
                challenge_champion,
                inputs={
                    "agent": f"{STAGES[-1]}_agent",
                    "episodes": "evaluation_episodes",
                    "champion": "reigning_champion_agent",
                    "expert": "reigning_expert_agent",
                    "environment": "params:environment",
                    "options": "params:evaluation",
                    "seed": "params:seed",
                },
                outputs=["championship", "champion_agent"],
                name="challenge_champion",
            ),
        ]
    )


def create_summary_node() -> Node:
    """Make the node that works out every number from the table of episodes.

    The reporting pipeline has it, too, so that one command makes all numbers and
    figures again.

    Returns:
        Node from ``evaluation_episodes`` to ``summary``.
    """
    return Node(
        summarise_evaluation,
        inputs={
            "episodes": "evaluation_episodes",
            "native": "native_episode",
            "options": "params:evaluation",
            "seed": "params:seed",
            **{stage: f"{stage}_gate" for stage in STAGES},
        },
        outputs=["summary", "evaluation_summary", "evaluation_metrics"],
        name="summarise_evaluation",
    )
