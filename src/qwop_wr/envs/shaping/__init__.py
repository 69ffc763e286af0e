"""Rewards for how one runs, added to what a decision earns while training."""

from qwop_wr.envs.shaping.composition import PREFIX, Phase, Shaping, ShapingOptions
from qwop_wr.envs.shaping.posture import KNEE_LIMIT, knee_heights, limit_distances
from qwop_wr.envs.shaping.terms import Step, Term

__all__ = [
    "KNEE_LIMIT",
    "PREFIX",
    "Phase",
    "Shaping",
    "ShapingOptions",
    "Step",
    "Term",
    "knee_heights",
    "limit_distances",
]
