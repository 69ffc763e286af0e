"""The rules: motors driven by the keys, and contacts that begin."""

import math
from collections.abc import Mapping
from enum import IntEnum
from typing import Final

import Box2D

from qwop_wr.simulator.anatomy import CALF_SPEEDS, HIP_LIMITS, THIGH_SPEEDS
from qwop_wr.simulator.constants import JUMP_LINE_PX, PIXELS_PER_UNIT, SAND_PIT_PX, UNITS_PER_METRE
from qwop_wr.simulator.keys import O, P, Q, W

THIGH_KEYS: Final = Q | W
CALF_KEYS: Final = O | P

_DRIVEN: Final = (*THIGH_SPEEDS[0], *CALF_SPEEDS[0])


class Motors:
    """The runner's motors, set only when the keys change.

    Attributes:
        pressed: Keys held, reduced to those that act.
        calf_key: Calf key that last set the hip limits: 0 (none yet), O or P.
    """

    def __init__(self, joints: Mapping[str, Box2D.b2RevoluteJoint]) -> None:
        self._joints = {name: joints[name] for name in _DRIVEN}
        torso = joints["left_hip"].bodyB
        self._bodies = [torso, *(joint.bodyA for joint in self._joints.values())]
        self.pressed = 0
        self.calf_key = 0

    def press(self, mask: int) -> None:
        """Holds these keys, reduced to those that act, from now on."""
        if mask == self.pressed:
            return
        resting = [body for body in self._bodies if not body.awake]
        thigh_key, calf_key = mask & THIGH_KEYS, mask & CALF_KEYS
        if thigh_key != self.pressed & THIGH_KEYS:
            self._set_speeds(THIGH_SPEEDS[thigh_key])
        if calf_key != self.pressed & CALF_KEYS:
            self._set_speeds(CALF_SPEEDS[calf_key])
        if calf_key and calf_key != self.calf_key:
            for name, limits in HIP_LIMITS[calf_key].items():
                self._joints[name].limits = limits
            self.calf_key = calf_key
        self.pressed = mask
        for body in resting:
            body.awake = False  # Stock Box2D wakes a joint's bodies here, the original does not.

    def switch_off(self) -> None:
        """Switches off all limits and motors, as the game does when it ends."""
        for joint in self._joints.values():
            joint.limitEnabled = False
            joint.motorEnabled = False

    def _set_speeds(self, speeds: Mapping[str, float]) -> None:
        for name, speed in speeds.items():
            self._joints[name].motorSpeed = speed


class Role(IntEnum):
    """Role of a body in the rules; fixtures carry it as their user data."""

    OTHER = 0
    TILE = 1
    LEFT_FOOT = 2
    UPPER_BODY = 3
    HURDLE = 4


_ROLES: Final = {
    "track0": Role.TILE,
    "track1": Role.TILE,
    "track2": Role.TILE,
    "left_foot": Role.LEFT_FOOT,
    "head": Role.UPPER_BODY,
    "left_arm": Role.UPPER_BODY,
    "left_forearm": Role.UPPER_BODY,
    "right_arm": Role.UPPER_BODY,
    "right_forearm": Role.UPPER_BODY,
    "hurdle_base": Role.HURDLE,
    "hurdle_top": Role.HURDLE,
}


def role_of(name: str) -> Role:
    """Returns the role of a body of that name in the rules."""
    return _ROLES.get(name, Role.OTHER)


def on_ground(contact: Box2D.b2Contact) -> bool:
    """Returns whether a contact touches a ground tile.

    The tiles are the world's oldest bodies, so Box2D always names them first.
    """
    return bool(contact.touching) and contact.fixtureA.userData is Role.TILE


def displayed_distance(x: float) -> float:
    """Turns a position [units] into the displayed distance [m], rounding half up."""
    return math.floor(x + 0.5) / UNITS_PER_METRE


class ContactRules(Box2D.b2ContactListener):  # type: ignore[misc]
    """Follows contacts and keeps what the rules make of them.

    Only the left foot can jump off and land: the original's test for the right
    foot looks at the wrong body and never fires.

    Attributes:
        fallen: Whether head, arm or forearm has touched a ground tile.
        jumped: Whether the left foot has touched the ground beyond the jump line.
        landed: Whether the runner has landed in the sand pit.
        landing_score: Distance of the landing [m]; it stays on display.
        hurdle_touched: Whether anything has touched the hurdle.
    """

    def __init__(self) -> None:
        super().__init__()
        self.clear()

    def clear(self) -> None:
        """Forgets everything, for a new episode."""
        self.fallen = False
        self.jumped = False
        self.landed = False
        self.landing_score = 0.0
        self.hurdle_touched = False

    def BeginContact(self, contact: Box2D.b2Contact) -> None:  # noqa: N802
        """Applies the rules to a contact that has just begun to touch."""
        ground, role = contact.fixtureA.userData, contact.fixtureB.userData
        if Role.HURDLE in (ground, role):
            self.hurdle_touched = True
        if self.fallen or role is Role.OTHER or ground is not Role.TILE:
            return
        x = _rightmost_point(contact)
        if role is Role.LEFT_FOOT:
            self.jumped = self.jumped or x * PIXELS_PER_UNIT > JUMP_LINE_PX
            if self.jumped and x * PIXELS_PER_UNIT > SAND_PIT_PX:
                self._land(x)
        elif role is Role.UPPER_BODY:
            self.fallen = True
            if self.jumped:
                self._land(x)

    # The binding calls these for every contact of every tick. Inherited, each
    # call would go through the binding twice more.

    def PreSolve(self, contact: Box2D.b2Contact, old_manifold: Box2D.b2Manifold) -> None:  # noqa: N802
        """Does nothing."""

    def PostSolve(self, contact: Box2D.b2Contact, impulse: Box2D.b2ContactImpulse) -> None:  # noqa: N802
        """Does nothing."""

    def EndContact(self, contact: Box2D.b2Contact) -> None:  # noqa: N802
        """Does nothing."""

    def _land(self, x: float) -> None:
        if not self.landed:
            self.landed = True
            self.landing_score = displayed_distance(x)


def _rightmost_point(contact: Box2D.b2Contact) -> float:
    points = contact.worldManifold.points[: contact.manifold.pointCount]
    return max(float(x) for x, _ in points)
