"""The game as Gymnasium environments: actions, observations, rewards, episodes."""

from qwop_wr.envs.actions import ACTION_SETS
from qwop_wr.envs.observations import OBSERVATIONS, Feature, Observer
from qwop_wr.envs.options import EnvironmentOptions
from qwop_wr.envs.single import QwopEnv
from qwop_wr.envs.snapshots import Snapshot
from qwop_wr.envs.vector import QwopVectorEnv

__all__ = [
    "ACTION_SETS",
    "OBSERVATIONS",
    "EnvironmentOptions",
    "Feature",
    "Observer",
    "QwopEnv",
    "QwopVectorEnv",
    "Snapshot",
]
