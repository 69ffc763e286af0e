"""Every revolute joint, in the order of creation, and what the keys do to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from qwop_wr.simulator.anatomy.bodies import Vector
from qwop_wr.simulator.keys import O, P, Q, W


@dataclass(frozen=True)
class JointSpec:
    """A revolute joint as the game creates it; its limit is always enabled.

    Attributes:
        anchor_a: Pivot in the frame of ``body_a`` [units].
        anchor_b: Pivot in the frame of ``body_b`` [units].
        reference_angle: Angle of ``body_b`` minus that of ``body_a`` at zero [rad].
        lower: Lower limit of the joint angle [rad].
        upper: Upper limit of the joint angle [rad].
        motor: Whether the motor is enabled.
    """

    name: str
    body_a: str
    body_b: str
    anchor_a: Vector
    anchor_b: Vector
    reference_angle: float
    lower: float
    upper: float
    motor: bool
    max_torque: float


_free = partial(JointSpec, motor=False, max_torque=0.0)
_driven = partial(JointSpec, motor=True)

HURDLE_JOINT: Final[JointSpec] = _free(
    name="hurdle_joint",
    body_a="hurdle_top",
    body_b="hurdle_base",
    anchor_a=(0.18, 3.7299999999999995),
    anchor_b=(1.045, 0.0125),
    reference_angle=0.0,
    lower=0.0,
    upper=0.0,
)

JOINTS: Final[tuple[JointSpec, ...]] = (
    _free(
        name="neck",
        body_a="head",
        body_b="torso",
        anchor_a=(-0.22839485113389013, 1.1126087775923434),
        anchor_b=(2.859519853416241, 0.1894010834667077),
        reference_angle=-1.308996406363529,
        lower=-0.5,
        upper=0.0,
    ),
    _driven(
        name="right_shoulder",
        body_a="right_arm",
        body_b="torso",
        anchor_a=(1.2001841231501342, 0.014095940491621661),
        anchor_b=(2.0154692227269657, -0.963716471396211),
        reference_angle=-0.7853907065463961,
        lower=-0.5,
        upper=1.5,
        max_torque=1000.0,
    ),
    _driven(
        name="left_shoulder",
        body_a="left_arm",
        body_b="torso",
        anchor_a=(-1.06207890966549, 0.17409394631566927),
        anchor_b=(1.9283425691848988, 0.5346402981158307),
        reference_angle=-2.09438311816829,
        lower=-2.0,
        upper=0.0,
        max_torque=1000.0,
    ),
    _driven(
        name="left_hip",
        body_a="left_thigh",
        body_b="torso",
        anchor_a=(1.5149934600879298, 0.10302974517488483),
        anchor_b=(-2.1617729534350554, 0.17997450596313957),
        reference_angle=0.7258477508944043,
        lower=-1.5,
        upper=0.5,
        max_torque=6000.0,
    ),
    _driven(
        name="right_hip",
        body_a="right_thigh",
        body_b="torso",
        anchor_a=(-2.0961942262183917, 0.18536556036297194),
        anchor_b=(-2.162191390759836, -0.6165265219145436),
        reference_angle=-2.719359381718199,
        lower=-1.3,
        upper=0.7,
        max_torque=6000.0,
    ),
    _free(
        name="left_elbow",
        body_a="left_forearm",
        body_b="left_arm",
        anchor_a=(-1.2620587423023988, 0.15722668659641342),
        anchor_b=(1.6027887369842992, -0.14793204384539627),
        reference_angle=2.09438311816829,
        lower=-0.1,
        upper=0.5,
    ),
    _free(
        name="right_elbow",
        body_a="right_forearm",
        body_b="right_arm",
        anchor_a=(1.786878910753607, -0.0875161173956252),
        anchor_b=(-1.3780071636887363, 0.014064825719664498),
        reference_angle=1.2968199012274688,
        lower=-0.1,
        upper=0.5,
    ),
    _driven(
        name="left_knee",
        body_a="left_calf",
        body_b="left_thigh",
        anchor_a=(2.0031668711363886, 0.29778450493880393),
        anchor_b=(-2.039930985466258, -0.06884320616201656),
        reference_angle=-0.3953113764119829,
        lower=-1.6,
        upper=0.0,
        max_torque=3000.0,
    ),
    _driven(
        name="right_knee",
        body_a="right_calf",
        body_b="right_thigh",
        anchor_a=(1.9464226250774301, 0.23026118775573867),
        anchor_b=(2.0958596632699917, 0.29461641905670727),
        reference_angle=2.2893406247158676,
        lower=-1.3,
        upper=0.3,
        max_torque=3000.0,
    ),
    JointSpec(
        name="left_ankle",
        body_a="left_foot",
        body_b="left_calf",
        anchor_a=(-0.6270934582479109, -0.06637286435491148),
        anchor_b=(-2.425382538900126, 0.13895539751438638),
        reference_angle=-1.7244327585010226,
        lower=-0.5,
        upper=0.5,
        motor=False,
        max_torque=2000.0,
    ),
    JointSpec(
        name="right_ankle",
        body_a="right_foot",
        body_b="right_calf",
        anchor_a=(-0.7779783144804977, -0.20811593451266924),
        anchor_b=(-2.2591139640195603, 0.08142886510219238),
        reference_angle=-1.5708045825942758,
        lower=-0.5,
        upper=0.5,
        motor=False,
        max_torque=2000.0,
    ),
)
"""The runner's eleven joints."""

THIGH_SPEEDS: Final[Mapping[int, Mapping[str, float]]] = {
    0: {"right_hip": 0.0, "left_hip": 0.0, "right_shoulder": 0.0, "left_shoulder": 0.0},
    Q: {"right_hip": 2.5, "left_hip": -2.5, "right_shoulder": -2.0, "left_shoulder": 2.0},
    W: {"right_hip": -2.5, "left_hip": 2.5, "right_shoulder": 2.0, "left_shoulder": -2.0},
}
"""Motor speeds [rad/s] that the thigh keys set (the elbows' motors are always off)."""

CALF_SPEEDS: Final[Mapping[int, Mapping[str, float]]] = {
    0: {"right_knee": 0.0, "left_knee": 0.0},
    O: {"right_knee": 2.5, "left_knee": -2.5},
    P: {"right_knee": -2.5, "left_knee": 2.5},
}
"""Motor speeds [rad/s] that the calf keys set."""

HIP_LIMITS: Final[Mapping[int, Mapping[str, tuple[float, float]]]] = {
    O: {"left_hip": (-1.0, 1.0), "right_hip": (-1.3, 0.7)},
    P: {"left_hip": (-1.5, 0.5), "right_hip": (-0.8, 1.2)},
}
"""Limits [rad] that the calf keys set; they outlast the key."""
