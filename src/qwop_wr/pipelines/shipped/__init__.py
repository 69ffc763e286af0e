"""The model card of what the repository ships."""

from qwop_wr.pipelines.shipped.pipeline import create_pipeline

__all__ = ["create_pipeline"]
