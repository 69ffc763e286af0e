"""The Box2D world of one game: ground, hurdle and runner."""

from typing import Final

import Box2D

from qwop_wr.simulator.anatomy import (
    DESTRUCTION_ORDER,
    GROUND,
    HURDLE,
    HURDLE_JOINT,
    JOINTS,
    PARTS,
    BodySpec,
    JointSpec,
)
from qwop_wr.simulator.box2d.rules import ContactRules, role_of
from qwop_wr.simulator.constants import GRAVITY, TILE_WIDTH

POLYGON_RADIUS: Final = 0.005
"""Skin around every box [units], as in the original; stock Box2D has 0.01."""

JOINT_DESTRUCTION_ORDER: Final = (
    "neck",
    *(
        f"{side}_{joint}"
        for side in ("left", "right")
        for joint in ("shoulder", "elbow", "hip", "knee", "ankle")
    ),
    "hurdle_joint",
)
"""Joints in the order in which a restart removes them, before the bodies."""

_N_TILES: Final = 3


def _body(spec: BodySpec, kind: int, awake: bool = True) -> Box2D.b2BodyDef:
    shape = Box2D.b2PolygonShape(box=(spec.half_width, spec.half_height))
    shape.radius = POLYGON_RADIUS
    fixture = Box2D.b2FixtureDef(
        shape=shape,
        density=spec.density,
        friction=spec.friction,
        categoryBits=spec.category,
        maskBits=spec.mask,
        userData=role_of(spec.name),
    )
    return Box2D.b2BodyDef(
        type=kind, position=spec.position, angle=spec.angle, awake=awake, fixtures=fixture
    )


# Definitions are only read by Box2D: made once, they halve the time of a reset.
_GROUND_DEFS: Final = tuple(_body(spec, Box2D.b2_staticBody) for spec in GROUND)
_HURDLE_DEFS: Final = tuple(_body(spec, Box2D.b2_dynamicBody, awake=False) for spec in HURDLE)
_PART_DEFS: Final = tuple(_body(spec, Box2D.b2_dynamicBody) for spec in PARTS)


class World:
    """Ground, hurdle and runner in a Box2D world of their own.

    Continuous collision is off and forces are **not** cleared after a step, as
    in the original: the head's torque accumulates. Unlike the original, bodies
    are created where they belong instead of being moved there.

    Attributes:
        physics: The Box2D world itself.
        bodies: Hurdle and runner's parts by name.
        joints: Hurdle's and runner's joints by name.
    """

    def __init__(self, rules: ContactRules) -> None:
        self.physics = Box2D.b2World(
            gravity=(0.0, GRAVITY), doSleep=True, warmStarting=True, continuousPhysics=False
        )
        self.physics.autoClearForces = False
        self.physics.contactListener = rules
        ground = [self.physics.CreateBody(definition) for definition in _GROUND_DEFS]
        self._tiles = ground[:_N_TILES]
        self._first_tile = 0
        self.bodies: dict[str, Box2D.b2Body] = {}
        self.joints: dict[str, Box2D.b2RevoluteJoint] = {}
        self._create_runner()

    def recreate_runner(self) -> None:
        """Removes hurdle and runner and puts new ones at their start."""
        for name in JOINT_DESTRUCTION_ORDER:
            self.physics.DestroyJoint(self.joints.pop(name))
        for name in DESTRUCTION_ORDER:
            self.physics.DestroyBody(self.bodies.pop(name))
        self._create_runner()

    def place_tiles(self, first: int) -> None:
        """Moves the ground tiles, the first to a place in screens from x = 0."""
        if first == self._first_tile:
            return
        self._first_tile = first
        hurdle_rests = not self.bodies["hurdle_base"].awake
        for place, tile in enumerate(self._tiles, first):
            tile.position = (place * TILE_WIDTH, tile.position.y)
        if hurdle_rests:
            self.lay_hurdle_to_rest()

    def lay_hurdle_to_rest(self) -> None:
        """Puts the hurdle to sleep again: unlike the original, Box2D wakes it without a touch."""
        for spec in HURDLE:
            self.bodies[spec.name].awake = False

    def _create_runner(self) -> None:
        for spec, definition in zip(HURDLE, _HURDLE_DEFS, strict=True):
            self.bodies[spec.name] = self.physics.CreateBody(definition)
        self._create_joint(HURDLE_JOINT)
        for spec, definition in zip(PARTS, _PART_DEFS, strict=True):
            self.bodies[spec.name] = self.physics.CreateBody(definition)
        for joint in JOINTS:
            self._create_joint(joint)

    def _create_joint(self, spec: JointSpec) -> None:
        self.joints[spec.name] = self.physics.CreateRevoluteJoint(
            bodyA=self.bodies[spec.body_a],
            bodyB=self.bodies[spec.body_b],
            localAnchorA=spec.anchor_a,
            localAnchorB=spec.anchor_b,
            referenceAngle=spec.reference_angle,
            lowerAngle=spec.lower,
            upperAngle=spec.upper,
            enableLimit=True,
            enableMotor=spec.motor,
            maxMotorTorque=spec.max_torque,
            collideConnected=False,
        )
