"""From the shipped files to their model card."""

from kedro.pipeline import Node, Pipeline

from qwop_wr.pipelines.shipped.nodes import evaluate_expert, write_shipped_card


def create_pipeline() -> Pipeline:
    """Evaluate the expert, replay the record and write the card.

    Returns:
        Pipeline from ``expert_agent`` and ``record_tape`` to ``shipped_card``.
    """
    return Pipeline(
        [
            Node(
                evaluate_expert,
                inputs={
                    "expert": "expert_agent",
                    "environment": "params:environment",
                    "options": "params:evaluation",
                    "seed": "params:seed",
                },
                outputs="expert_summary",
                name="evaluate_expert",
            ),
            Node(
                write_shipped_card,
                inputs={
                    "expert": "expert_agent",
                    "record": "record_tape",
                    "summary": "expert_summary",
                    "making": "params:shipped",
                },
                outputs="shipped_card",
                name="write_shipped_card",
            ),
        ]
    )
