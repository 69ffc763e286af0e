"""Live metrics and parameters in MLflow, where a run is active; nothing elsewhere."""

from qwop_wr.tracking.stages import stage_run

__all__ = ["stage_run"]
