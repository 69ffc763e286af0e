"""How a runner holds itself: knees above the track, joints from their limits."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qwop_wr.simulator.anatomy import JOINTS, PART_INDEX
from qwop_wr.simulator.anatomy.specs import JointSpec
from qwop_wr.simulator.constants import GROUND_Y
from qwop_wr.simulator.keys import O, P

Floats = NDArray[np.float64]

KNEE_LIMIT: Final = 1.5
"""A knee lower than this is near the ground [units above it; 10 are a metre].

Runs of 40 to 66 s keep both knees above 1.9 in every tick; a runner that scrapes along has
one below 1.5 in 92 % of them.
"""

_JOINTS: Final = {joint.name: joint for joint in JOINTS}
_KNEES: Final = tuple(joint for joint in JOINTS if joint.name.endswith("_knee"))
_HIP_LIMITS: Final = {
    "left_hip": {O: (-1.0, 1.0), P: (-1.5, 0.5)},
    "right_hip": {O: (-1.3, 0.7), P: (-0.8, 1.2)},
}
"""Limits of the hips after a calf key, until the other one [rad]."""


def knee_heights(state: Floats) -> Floats:
    """Work out how high the knees are.

    Args:
        state: Parts' x, y, angle and velocities, shape (n, 12, 6).

    Returns:
        Heights of the left and the right knee joint above the track [units], shape (n, 2).
    """
    heights = []
    for joint in _KNEES:
        part = state[:, PART_INDEX[joint.body_a]]
        x, y = joint.anchor_a
        heights.append(GROUND_Y - (part[:, 1] + np.sin(part[:, 2]) * x + np.cos(part[:, 2]) * y))
    return np.stack(heights, axis=1)


def limit_distances(state: Floats, calf_key: NDArray[np.uint8], joints: Sequence[str]) -> Floats:
    """Work out how far joints are from the nearer of their limits.

    Args:
        state: Parts' x, y, angle and velocities, shape (n, 12, 6).
        calf_key: Calf key that last set the hips' limits: 0, O or P, shape (n,).
        joints: Names of k joints.

    Returns:
        Distances [rad], negative beyond a limit, shape (n, k).
    """
    distances = np.empty((len(state), len(joints)))
    for place, name in enumerate(joints):
        joint = _JOINTS[name]
        angles = [state[:, PART_INDEX[part], 2] for part in (joint.body_a, joint.body_b)]
        angle = angles[1] - angles[0] - joint.reference_angle
        lower, upper = _limits(joint, calf_key)
        distances[:, place] = np.minimum(angle - lower, upper - angle)
    return distances


def _limits(joint: JointSpec, calf_key: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    lower = np.full(len(calf_key), joint.lower)
    upper = np.full(len(calf_key), joint.upper)
    for key, limits in _HIP_LIMITS.get(joint.name, {}).items():
        lower[calf_key == key], upper[calf_key == key] = limits
    return lower, upper
