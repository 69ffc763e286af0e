"""Figures, report and model cards."""

from qwop_wr.pipelines.reporting.pipeline import create_pipeline
from qwop_wr.pipelines.reporting.shipped import create_pipeline as create_shipped

__all__ = ["create_pipeline", "create_shipped"]
