"""Three stages of learning: from demonstrations, from self-play, for velocity."""

from qwop_wr.pipelines.training.pipeline import create_pipeline

__all__ = ["create_pipeline"]
