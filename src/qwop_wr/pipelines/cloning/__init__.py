"""Behavioural cloning of demonstrations, and what learning makes of the clone."""

from qwop_wr.pipelines.cloning.pipeline import create_finetuning, create_pipeline

__all__ = ["create_finetuning", "create_pipeline"]
