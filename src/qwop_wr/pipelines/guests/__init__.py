"""Agents from elsewhere, measured beside ours."""

from qwop_wr.pipelines.guests.pipeline import create_pipeline

__all__ = ["create_pipeline"]
