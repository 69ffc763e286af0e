"""Bodies, fixtures and joints of the game, as measured in the original.

Every number was read out of the running browser game (a Haxe port of
Box2DFlash, float64) and is exact. Bodies and joints stand in the order in
which the game creates them, and that order is part of the physics.
"""

from typing import Final

from qwop_wr.simulator.anatomy.bodies import DESTRUCTION_ORDER, GROUND, HURDLE, PARTS, BodySpec
from qwop_wr.simulator.anatomy.joints import (
    CALF_SPEEDS,
    HIP_LIMITS,
    HURDLE_JOINT,
    JOINTS,
    THIGH_SPEEDS,
    JointSpec,
)

PART_NAMES: Final = (
    "torso",
    "head",
    *(
        f"{side}_{part}"
        for side in ("left", "right")
        for part in ("arm", "calf", "foot", "forearm", "thigh")
    ),
)
"""The order of the parts in ``Simulator.state``: another one than that of creation."""

PART_INDEX: Final = {name: index for index, name in enumerate(PART_NAMES)}
"""Row of each part in ``Simulator.state``."""

__all__ = [
    "CALF_SPEEDS",
    "DESTRUCTION_ORDER",
    "GROUND",
    "HIP_LIMITS",
    "HURDLE",
    "HURDLE_JOINT",
    "JOINTS",
    "PARTS",
    "PART_INDEX",
    "PART_NAMES",
    "THIGH_SPEEDS",
    "BodySpec",
    "JointSpec",
]
