"""The experiment ledger: documented runs side by side."""

from qwop_wr.pipelines.ledger.pipeline import create_pipeline

__all__ = ["create_pipeline"]
