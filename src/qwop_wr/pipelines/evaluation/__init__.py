"""Evaluation of the final agent."""

from qwop_wr.pipelines.evaluation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
