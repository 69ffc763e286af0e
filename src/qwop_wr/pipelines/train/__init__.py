"""Any algorithm on any environment: one experiment."""

from qwop_wr.pipelines.train.pipeline import create_pipeline

__all__ = ["create_pipeline"]
