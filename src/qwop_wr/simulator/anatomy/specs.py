"""The two kinds of records that describe the anatomy."""

from dataclasses import dataclass

Vector = tuple[float, float]


@dataclass(frozen=True)
class BodySpec:
    """A rigid box as the game creates it.

    Attributes:
        name: Name of the body in snake case.
        position: Initial centre [units].
        angle: Initial angle [rad].
        half_width: Half extent along the body's own x axis [units].
        half_height: Half extent along the body's own y axis [units].
        density: Mass per area; for static bodies without effect.
        friction: Coulomb friction coefficient.
        category: Collision category bits.
        mask: Collision categories that this body touches.
        mass: Mass; 0 for static bodies.
        inertia: Rotational inertia about the centre; 0 for static bodies.
    """

    name: str
    position: Vector
    angle: float
    half_width: float
    half_height: float
    density: float
    friction: float
    category: int
    mask: int
    mass: float
    inertia: float


@dataclass(frozen=True)
class JointSpec:
    """A revolute joint as the game creates it; its limit is always enabled.

    Attributes:
        name: Name of the joint in snake case.
        body_a: First body.
        body_b: Second body.
        anchor_a: Pivot in the frame of ``body_a`` [units].
        anchor_b: Pivot in the frame of ``body_b`` [units].
        reference_angle: Angle of ``body_b`` minus that of ``body_a`` at zero [rad].
        lower: Lower limit of the joint angle [rad].
        upper: Upper limit of the joint angle [rad].
        motor: Whether the motor is enabled.
        max_torque: Largest motor torque.
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
