"""What the beginning of a contact means: falling, jumping off and landing."""

import math
from enum import IntEnum
from typing import Any

import Box2D

from qwop_wr.simulator.constants import JUMP_LINE_PX, PIXELS_PER_UNIT, SAND_PIT_PX, UNITS_PER_METRE


class Role(IntEnum):
    """What the game's rules see in a body."""

    OTHER = 0
    TILE = 1
    LEFT_FOOT = 2
    RIGHT_FOOT = 3
    UPPER_BODY = 4


_ROLES = {
    "track0": Role.TILE,
    "track1": Role.TILE,
    "track2": Role.TILE,
    "left_foot": Role.LEFT_FOOT,
    "right_foot": Role.RIGHT_FOOT,
    "head": Role.UPPER_BODY,
    "left_arm": Role.UPPER_BODY,
    "left_forearm": Role.UPPER_BODY,
    "right_arm": Role.UPPER_BODY,
    "right_forearm": Role.UPPER_BODY,
}


def role_of(name: str) -> Role:
    """Return what a body of that name is to the rules."""
    return _ROLES.get(name, Role.OTHER)


def displayed_distance(x: float) -> float:
    """Turn a position [units] into the displayed distance [m], rounding half up."""
    return math.floor(x + 0.5) / UNITS_PER_METRE


class ContactRules(Box2D.b2ContactListener):  # type: ignore[misc]
    """Listens to contacts and keeps what the rules make of them.

    Only the left foot can jump off and land: the original's test for the right
    foot looks at the wrong body and never fires.

    Attributes:
        fallen: Whether head, arm or forearm has touched a ground tile.
        jumped: Whether the left foot has touched the ground beyond the jump line.
        landed: Whether the runner has landed in the sand pit.
        landing_score: Distance of the landing [m]; it stays on display.
    """

    def __init__(self) -> None:
        super().__init__()
        self.clear()

    def clear(self) -> None:
        """Forget everything, for a new episode."""
        self.fallen = False
        self.jumped = False
        self.landed = False
        self.landing_score = 0.0

    def BeginContact(self, contact: Any) -> None:  # noqa: N802
        """Apply the rules to a contact that has just begun to touch."""
        if contact.fixtureA.userData is not Role.TILE or self.fallen:
            return
        role = contact.fixtureB.userData
        if role is Role.LEFT_FOOT:
            self._step_down(contact)
        elif role is Role.UPPER_BODY:
            self.fallen = True
            if self.jumped and not self.landed:
                self._land(_rightmost(contact))

    def PreSolve(self, contact: Any, old_manifold: Any) -> None:  # noqa: N802
        """Do nothing; inherited, the call would go back through the binding."""

    def PostSolve(self, contact: Any, impulse: Any) -> None:  # noqa: N802
        """Do nothing, for the same reason."""

    def EndContact(self, contact: Any) -> None:  # noqa: N802
        """Do nothing, for the same reason."""

    def _step_down(self, contact: Any) -> None:
        x = _rightmost(contact)
        if not self.jumped and x * PIXELS_PER_UNIT > JUMP_LINE_PX:
            self.jumped = True
        if self.jumped and not self.landed and x * PIXELS_PER_UNIT > SAND_PIT_PX:
            self._land(x)

    def _land(self, x: float) -> None:
        self.landed = True
        self.landing_score = displayed_distance(x)


def _rightmost(contact: Any) -> float:
    """Return the largest x among the contact's points [units]."""
    points = contact.worldManifold.points[: contact.manifold.pointCount]
    return max(float(x) for x, _ in points)
