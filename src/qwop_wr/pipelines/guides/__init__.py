"""Guides for the search, refined from the expert."""

from qwop_wr.pipelines.guides.pipeline import create_pipeline

__all__ = ["create_pipeline"]
