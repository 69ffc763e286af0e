"""An expert from scratch."""

from qwop_wr.pipelines.expert.pipeline import create_pipeline, create_succession

__all__ = ["create_pipeline", "create_succession"]
