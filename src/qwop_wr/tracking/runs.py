"""Runs of before in the tracking store."""

from mlflow import MlflowClient, MlflowException
from mlflow.entities import LifecycleStage, Run


def find_run(client: MlflowClient, run_id: str) -> Run | None:
    """Look a run up.

    Args:
        client: Client of the store.
        run_id: The run.

    Returns:
        The run; None if the store does not have it, or it was deleted.
    """
    try:
        run = client.get_run(run_id)
    except MlflowException:
        return None
    return run if run.info.lifecycle_stage == LifecycleStage.ACTIVE else None
