"""Figures, report and model card."""

from qwop_wr.pipelines.reporting.pipeline import create_pipeline

__all__ = ["create_pipeline"]
