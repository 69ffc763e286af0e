"""Live metrics and parameters in MLflow, where a run is active; nothing elsewhere."""

from qwop_wr.tracking.stages import MetricSink, stage_run

__all__ = ["MetricSink", "stage_run"]
