"""A search over parameters of an experiment."""

from qwop_wr.pipelines.sweep.pipeline import create_pipeline

__all__ = ["create_pipeline"]
