"""The whole way: demonstrations, three stages, evaluation, a short hunt, report."""

from kedro.pipeline import Pipeline

from qwop_wr.pipelines import demonstrations, evaluation, record_hunt, reporting, training
from qwop_wr.pipelines.training.pipeline import STAGES


def create_pipeline() -> Pipeline:
    """Compose the pipelines that follow the expert.

    Returns:
        Pipeline from ``expert_agent`` to ``report`` and ``record_tape``.
    """
    return (
        demonstrations.create_pipeline()
        + training.create_pipeline()
        + evaluation.create_pipeline()
        + record_hunt.create_short_hunt(f"{STAGES[-1]}_agent")
        + reporting.create_pipeline()
    )
