"""Agents that Stable-Baselines3 saved, read without running anything in their files."""

from qwop_wr.agents.foreign.archive import MAX_BYTES, SUFFIX, SavedModel, read_archive
from qwop_wr.agents.foreign.policy import ForeignPolicy

__all__ = ["MAX_BYTES", "SUFFIX", "ForeignPolicy", "SavedModel", "read_archive"]
