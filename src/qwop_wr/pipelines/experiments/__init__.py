"""Experiments: named configurations, each trained with several seeds, side by side in a table."""

from qwop_wr.pipelines.experiments.pipeline import (
    create_ablations,
    create_pipeline,
    create_study,
    create_sweep,
)

__all__ = ["create_ablations", "create_pipeline", "create_study", "create_sweep"]
