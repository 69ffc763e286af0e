"""The Box2D world of one game: ground, hurdle and runner."""

from typing import Any, Final

import Box2D

from qwop_wr.simulator.anatomy import GROUND, HURDLE, HURDLE_JOINT, JOINTS, PARTS
from qwop_wr.simulator.anatomy import BodySpec, JointSpec
from qwop_wr.simulator.box2d.rules import ContactRules, role_of
from qwop_wr.simulator.constants import GRAVITY, TILE_WIDTH

POLYGON_RADIUS: Final = 0.005
"""Skin around every box [units], as in the original; stock Box2D has 0.01."""

DESTRUCTION_ORDER: Final = (
    "hurdle_base",
    "hurdle_top",
    "torso",
    "head",
    "left_arm",
    "left_forearm",
    "left_thigh",
    "left_calf",
    "left_foot",
    "right_arm",
    "right_forearm",
    "right_thigh",
    "right_calf",
    "right_foot",
)
"""Bodies in the order in which a restart removes them."""

JOINT_DESTRUCTION_ORDER: Final = (
    "neck",
    "left_shoulder",
    "left_elbow",
    "left_hip",
    "left_knee",
    "left_ankle",
    "right_shoulder",
    "right_elbow",
    "right_hip",
    "right_knee",
    "right_ankle",
    "hurdle_joint",
)
"""Joints in the order in which a restart removes them, before the bodies."""


def _fixture(spec: BodySpec) -> Any:
    shape = Box2D.b2PolygonShape(box=(spec.half_width, spec.half_height))
    shape.radius = POLYGON_RADIUS
    return Box2D.b2FixtureDef(
        shape=shape,
        density=spec.density,
        friction=spec.friction,
        categoryBits=spec.category,
        maskBits=spec.mask,
        userData=role_of(spec.name),
    )


def _body(spec: BodySpec, kind: int, awake: bool = True) -> Any:
    return Box2D.b2BodyDef(
        type=kind,
        position=spec.position,
        angle=spec.angle,
        awake=awake,
        fixtures=_fixture(spec),
    )


def _joint_options(spec: JointSpec) -> dict[str, Any]:
    return {
        "localAnchorA": spec.anchor_a,
        "localAnchorB": spec.anchor_b,
        "referenceAngle": spec.reference_angle,
        "lowerAngle": spec.lower,
        "upperAngle": spec.upper,
        "enableLimit": True,
        "enableMotor": spec.motor,
        "maxMotorTorque": spec.max_torque,
        "collideConnected": False,
    }


_GROUND_DEFS: Final = tuple(_body(spec, Box2D.b2_staticBody) for spec in GROUND)
_HURDLE_DEFS: Final = tuple(_body(spec, Box2D.b2_dynamicBody, awake=False) for spec in HURDLE)
_PART_DEFS: Final = tuple(_body(spec, Box2D.b2_dynamicBody) for spec in PARTS)


class Stage:
    """Ground, hurdle and runner in a world of their own.

    Continuous collision is off and forces are **not** cleared after a step, as
    in the original: the head's torque accumulates.

    Args:
        rules: Hears of every contact that begins.
    """

    def __init__(self, rules: ContactRules) -> None:
        self.world = Box2D.b2World(
            gravity=(0.0, GRAVITY), doSleep=True, warmStarting=True, continuousPhysics=False
        )
        self.world.autoClearForces = False
        self.world.contactListener = rules
        self.tiles = [self.world.CreateBody(definition) for definition in _GROUND_DEFS][:3]
        self.bodies: dict[str, Any] = {}
        self.joints: dict[str, Any] = {}
        self.create_runner()

    def create_runner(self) -> None:
        """Create the hurdle, asleep, and then the runner at the start."""
        for spec, definition in zip(HURDLE, _HURDLE_DEFS, strict=True):
            self.bodies[spec.name] = self.world.CreateBody(definition)
        self._create_joint(HURDLE_JOINT)
        for spec, definition in zip(PARTS, _PART_DEFS, strict=True):
            self.bodies[spec.name] = self.world.CreateBody(definition)
        for joint in JOINTS:
            self._create_joint(joint)

    def destroy_runner(self) -> None:
        """Remove joints and bodies in the order of the game's restart."""
        for name in JOINT_DESTRUCTION_ORDER:
            self.world.DestroyJoint(self.joints.pop(name))
        for name in DESTRUCTION_ORDER:
            self.world.DestroyBody(self.bodies.pop(name))

    def place_tiles(self, first: int) -> None:
        """Move those ground tiles that are not in their place.

        Args:
            first: Screen, counted from x = 0, where the first tile belongs.
        """
        for index, tile in enumerate(self.tiles):
            x = (first + index) * TILE_WIDTH
            if tile.position.x != x:
                tile.position = (x, tile.position.y)

    def _create_joint(self, spec: JointSpec) -> None:
        self.joints[spec.name] = self.world.CreateRevoluteJoint(
            bodyA=self.bodies[spec.body_a],
            bodyB=self.bodies[spec.body_b],
            **_joint_options(spec),
        )
