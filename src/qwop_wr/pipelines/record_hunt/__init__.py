"""The hunt for the fastest tape, and its guides."""

from qwop_wr.pipelines.record_hunt.pipeline import (
    create_guides,
    create_pipeline,
    create_short_hunt,
)

__all__ = ["create_guides", "create_pipeline", "create_short_hunt"]
