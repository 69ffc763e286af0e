"""Everything from the shipped expert to the report."""

from qwop_wr.pipelines.world_record.pipeline import create_pipeline

__all__ = ["create_pipeline"]
