"""Clones of demonstrations, what learning makes of them, and agents from elsewhere."""

from qwop_wr.pipelines.imitation.pipeline import create_cloning, create_finetuning, create_guests

__all__ = ["create_cloning", "create_finetuning", "create_guests"]
