"""Does a shaped reward cure knee-scraping? PPO from nothing, once for each way of shaping."""

from qwop_wr.pipelines.shaping.pipeline import create_pipeline

__all__ = ["create_pipeline"]
