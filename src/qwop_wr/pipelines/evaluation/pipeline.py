"""From the final agent to 500 evaluated seeds."""

from kedro.pipeline import Node, Pipeline

from qwop_wr.pipelines.evaluation.nodes import (
    challenge_champion,
    confirm_evaluation,
    confirm_stages,
    gather_provenance,
    run_protocols,
    summarise_evaluation,
)
from qwop_wr.pipelines.inputs import parameters
from qwop_wr.pipelines.training.pipeline import STAGES


def create_pipeline() -> Pipeline:
    """Evaluate the last stage's agent: ``summary``, ``tapes`` and ``champion_agent``."""
    protocols = Pipeline(
        [
            Node(gather_provenance, "parameters", "provenance", name="gather_provenance"),
            Node(
                run_protocols,
                inputs={
                    "agent": "agent_to_evaluate",
                    "options": "params:evaluation",
                    **parameters("environment", "compute"),
                },
                outputs=["evaluation_episodes", "native_episode", "tapes"],
                name="run_protocols",
            ),
            Node(
                challenge_champion,
                inputs={
                    "agent": "agent_to_evaluate",
                    "episodes": "confirmed_episodes",
                    "champion": "reigning_champion_agent",
                    "expert": "reigning_expert_agent",
                    "options": "params:evaluation",
                    **parameters("environment", "seed", "compute"),
                },
                outputs=["championship", "champion_agent"],
                name="challenge_champion",
            ),
        ],
        namespace="evaluation",
        prefix_datasets_with_namespace=False,
    )
    return protocols + create_summary()


def create_summary() -> Pipeline:
    """Compute every number from ``evaluation_episodes``.

    Results that do not follow from one another are refused. The reporting pipeline
    includes these nodes, so that one command remakes all numbers and figures.
    """
    nodes = [
        Node(
            confirm_stages,
            inputs={f"{s}_{part}": f"{s}_{part}" for s in STAGES for part in ("agent", "gate")},
            outputs="agent_to_evaluate",
            name="confirm_stages",
        ),
        Node(
            confirm_evaluation,
            inputs={
                "agent": "agent_to_evaluate",
                "episodes": "evaluation_episodes",
                "native": "native_episode",
                "tapes": "tapes",
                "environment": "params:environment",
                "options": "params:evaluation",
            },
            outputs=["confirmed_episodes", "confirmed_native", "confirmed_tapes"],
            name="confirm_evaluation",
        ),
        Node(
            summarise_evaluation,
            inputs={
                "episodes": "confirmed_episodes",
                "native": "confirmed_native",
                "options": "params:evaluation",
                "seed": "params:seed",
                **{stage: f"{stage}_gate" for stage in STAGES},
            },
            outputs=["summary", "evaluation_summary", "evaluation_metrics"],
            name="summarise_evaluation",
        ),
    ]
    return Pipeline(nodes, namespace="evaluation", prefix_datasets_with_namespace=False)
