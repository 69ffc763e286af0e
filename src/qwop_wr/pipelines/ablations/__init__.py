"""What each part of the learner is worth: stage 1 again and again, each time without one."""

from qwop_wr.pipelines.ablations.pipeline import create_pipeline

__all__ = ["create_pipeline"]
