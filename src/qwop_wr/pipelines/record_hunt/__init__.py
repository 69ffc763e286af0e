"""A hunt for the fastest tape."""

from qwop_wr.pipelines.record_hunt.pipeline import create_pipeline, create_short_hunt

__all__ = ["create_pipeline", "create_short_hunt"]
