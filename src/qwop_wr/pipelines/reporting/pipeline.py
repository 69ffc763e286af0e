"""From results to figures, a report and a model card."""

from kedro.pipeline import Node, Pipeline

from qwop_wr.pipelines.evaluation.pipeline import create_summary
from qwop_wr.pipelines.reporting.nodes import (
    draw_figures,
    gather_runs,
    write_model_card,
    write_report,
)
from qwop_wr.pipelines.training.pipeline import STAGES


def create_pipeline() -> Pipeline:
    """Report on demonstrations, training and evaluation.

    From ``evaluation_episodes`` and ``tapes`` to ``summary``, ``report``, ``model_card`` and the
    figures.
    """
    facts = {
        "summary": "evaluation_summary",
        "demonstrations": "demonstrations_summary",
        "provenance": "provenance",
    }
    gates = {stage: f"{stage}_gate" for stage in STAGES}
    outcomes = {name: name for s in STAGES for name in (f"{s}_gate", f"{s}_history")}
    report = Pipeline(
        [
            Node(
                draw_figures,
                inputs={
                    "episodes": "confirmed_episodes",
                    **{stage: f"{stage}_history" for stage in STAGES},
                },
                outputs=["learning_curves", "distances", "finish_times", "finish_profile"],
                name="draw_figures",
            ),
            Node(
                gather_runs,
                inputs={
                    "summary": "evaluation_summary",
                    "tapes": "confirmed_tapes",
                    "record_tape": "record_tape",
                    "short_hunt": "short_hunt_summary",
                },
                outputs="runs",
                name="gather_runs",
            ),
            Node(
                write_report,
                inputs={
                    **facts,
                    "episodes": "confirmed_episodes",
                    "runs": "runs",
                    "championship": "championship",
                    "ablations": "ablations_rows",
                    **outcomes,
                },
                outputs=["report", "report_version"],
                name="write_report",
            ),
            Node(
                write_model_card,
                inputs={**facts, "agent": "agent_to_evaluate", **gates},
                outputs="model_card",
                name="write_model_card",
            ),
        ],
        namespace="reporting",
        prefix_datasets_with_namespace=False,
    )
    return create_summary() + report
