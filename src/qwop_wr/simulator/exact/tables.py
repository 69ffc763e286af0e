"""The anatomy as tables that compiled code can index."""

import math
from typing import Final

import numpy as np

from qwop_wr.simulator.anatomy import (
    DESTRUCTION_ORDER,
    GROUND,
    HURDLE,
    HURDLE_JOINT,
    JOINTS,
    PART_NAMES,
    PARTS,
    JointSpec,
)
from qwop_wr.simulator.constants import TIME_STEP
from qwop_wr.simulator.exact.layout import FIRST_DYNAMIC, HURDLE_BASE, HURDLE_TOP, N_BODIES

_BODIES: Final = GROUND + HURDLE + PARTS
_NUMBERS: Final = {body.name: number for number, body in enumerate(_BODIES)}
_ALL_JOINTS: Final = (HURDLE_JOINT, *JOINTS)


def _inverse(number: float) -> float:
    return 1.0 / number if number > 0.0 else 0.0


MASS: Final = np.array([body.mass for body in _BODIES])
INVERSE_MASS: Final = np.array([_inverse(body.mass) for body in _BODIES])
INVERSE_INERTIA: Final = np.array([_inverse(body.inertia) for body in _BODIES])
MASS_RATIO: Final = MASS * INVERSE_MASS
"""Mass times inverse mass: 1 up to rounding, and 0 for static bodies."""
INERTIA_RATIO: Final = MASS * INVERSE_INERTIA
HALF_WIDTH: Final = np.array([body.half_width for body in _BODIES])
HALF_HEIGHT: Final = np.array([body.half_height for body in _BODIES])
START_X: Final = np.array([body.position[0] for body in _BODIES])
START_Y: Final = np.array([body.position[1] for body in _BODIES])
START_ANGLE: Final = np.array([body.angle for body in _BODIES])

FRICTION: Final = np.array(
    [[math.sqrt(a.friction * b.friction) for b in _BODIES] for a in _BODIES]
).reshape(-1)
"""Mixed friction of bodies a and b at ``a * N_BODIES + b``."""


def _collide(a: int, b: int) -> bool:
    first, second = _BODIES[a], _BODIES[b]
    if max(a, b) < FIRST_DYNAMIC or {a, b} == {HURDLE_BASE, HURDLE_TOP} or a == b:
        return False
    return bool(first.mask & second.category) and bool(second.mask & first.category)


COLLIDES: Final = np.array(
    [sum(1 << b for b in range(N_BODIES) if _collide(a, b)) for a in range(N_BODIES)]
)
"""Per body, the bodies it may touch, as bits. Bodies of one joint and parts never do."""

# Columns of JOINT.
ANCHOR_AX, ANCHOR_AY, ANCHOR_BX, ANCHOR_BY, REFERENCE = range(5)
MASS_A, MASS_B, INERTIA_A, INERTIA_B, MASS_SUM = range(5, 10)
ANGULAR_MASS, ANGULAR_RATE = range(10, 12)
STEP_MASS_A, STEP_MASS_B, STEP_INERTIA_A, STEP_INERTIA_B = range(12, 16)
MAX_TORQUE, START_LOWER, START_UPPER, JOINT_COLUMNS = range(16, 20)


def _joint_row(joint: JointSpec) -> list[float]:
    a, b = _NUMBERS[joint.body_a], _NUMBERS[joint.body_b]
    mass_a, mass_b = float(INVERSE_MASS[a]), float(INVERSE_MASS[b])
    inertia_a, inertia_b = float(INVERSE_INERTIA[a]), float(INVERSE_INERTIA[b])
    angular_mass = 1.0 / (inertia_a + inertia_b)
    return [
        *joint.anchor_a,
        *joint.anchor_b,
        joint.reference_angle,
        mass_a,
        mass_b,
        inertia_a,
        inertia_b,
        mass_a + mass_b,
        angular_mass,
        -(1.0 / TIME_STEP) * angular_mass,
        TIME_STEP * mass_a,
        TIME_STEP * mass_b,
        TIME_STEP * inertia_a,
        TIME_STEP * inertia_b,
        joint.max_torque if joint.motor else 0.0,
        joint.lower,
        joint.upper,
    ]


JOINT: Final = np.array([_joint_row(joint) for joint in _ALL_JOINTS]).reshape(-1)
"""Constants of the joints in order of creation; the inverse masses are those of the bodies."""
JOINT_A: Final = np.array([_NUMBERS[joint.body_a] for joint in _ALL_JOINTS])
JOINT_B: Final = np.array([_NUMBERS[joint.body_b] for joint in _ALL_JOINTS])
HAS_MOTOR: Final = np.array([joint.motor for joint in _ALL_JOINTS])

MAX_JOINTS_OF_BODY: Final = 5


def _joints_of(body: int) -> list[int]:
    numbers = [
        number
        for number, joint in enumerate(_ALL_JOINTS)
        if body in (_NUMBERS[joint.body_a], _NUMBERS[joint.body_b])
    ]
    return numbers[::-1] + [-1] * (MAX_JOINTS_OF_BODY - len(numbers))


JOINTS_OF_BODY: Final = np.array([_joints_of(body) for body in range(N_BODIES)]).reshape(-1)
"""Joints of each body, newest first, padded with -1."""

_JOINT_NAMES: Final = [joint.name for joint in _ALL_JOINTS]


def joint_number(name: str) -> int:
    """Returns a joint's place in the order of creation, the hurdle's joint being 0."""
    return _JOINT_NAMES.index(name)


def body_number(name: str) -> int:
    """Returns a body's place in the order of creation."""
    return _NUMBERS[name]


STATE_BODIES: Final = np.array([_NUMBERS[name] for name in PART_NAMES])
"""Bodies in the order of ``Simulator.state``."""

REMOVED_BODIES: Final = np.array([_NUMBERS[name] for name in DESTRUCTION_ORDER])
"""Bodies in the order in which a restart removes them."""

RUNNER_JOINTS: Final = np.array(
    [
        joint_number(name)
        for name in (
            "right_knee",
            "right_hip",
            "right_ankle",
            "left_hip",
            "left_knee",
            "left_shoulder",
            "left_ankle",
            "right_shoulder",
            "left_elbow",
            "neck",
            "right_elbow",
        )
    ]
)
"""An order in which the runner's joints may be solved.

The original's is right knee, hips, shoulders, neck, elbows, left knee, ankles.
Joints that share no body may change places, and neighbours that do not wait
for each other keep the processor busy.
"""
