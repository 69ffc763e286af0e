"""An expert from scratch."""

from qwop_wr.pipelines.expert.pipeline import create_pipeline

__all__ = ["create_pipeline"]
