"""The whole way: demonstrations, three stages, evaluation, report."""

from kedro.pipeline import Pipeline

from qwop_wr.pipelines import demonstrations, evaluation, reporting, training


def create_pipeline() -> Pipeline:
    """Compose the pipelines that follow the expert.

    Returns:
        Pipeline from ``expert_agent`` to ``report``.
    """
    parts = (demonstrations, training, evaluation, reporting)
    return sum((part.create_pipeline() for part in parts), Pipeline([]))
