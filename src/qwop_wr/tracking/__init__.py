"""Live metrics and parameters in MLflow, where a run is active; nothing elsewhere."""

from qwop_wr.tracking.stages import active_run_ids, stage_run

__all__ = ["active_run_ids", "stage_run"]
