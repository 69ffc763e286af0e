"""Clones of demonstrations, their fine-tuning, and imported agents."""

from qwop_wr.pipelines.imitation.pipeline import create_cloning, create_finetuning, create_guests

__all__ = ["create_cloning", "create_finetuning", "create_guests"]
