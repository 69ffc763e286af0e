"""Demonstrations for the first stage."""

from qwop_wr.pipelines.demonstrations.pipeline import create_pipeline

__all__ = ["create_pipeline"]
