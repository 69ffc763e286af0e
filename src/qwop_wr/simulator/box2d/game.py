"""One game: its clock, keys, camera and the tick that moves it all."""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from qwop_wr.simulator.anatomy import PART_NAMES
from qwop_wr.simulator.box2d.rules import ContactRules, Role, displayed_distance
from qwop_wr.simulator.box2d.stage import Stage
from qwop_wr.simulator.constants import (
    CAMERA_CEILING,
    CAMERA_LEAD,
    CLOCK_STEP,
    HEAD_TORQUE_GAIN,
    HEAD_TORQUE_OFFSET,
    PIXELS_PER_UNIT,
    POSITION_ITERATIONS,
    START_CAMERA_PX,
    TILE_WIDTH,
    TIME_STEP,
    VELOCITY_ITERATIONS,
)
from qwop_wr.simulator.keys import O, P, Q, W, effective_keys

BODY_NAMES: Final = (*PART_NAMES, "hurdle_base", "hurdle_top")
"""Rows of :meth:`Game.read_bodies`."""

_RESET: Final = -1
_SCREEN_PX: Final = TILE_WIDTH * PIXELS_PER_UNIT
_THIGH_KEYS: Final = Q | W
_CALF_KEYS: Final = O | P
_EFFECTIVE: Final = tuple(effective_keys(mask) for mask in range(16))

_THIGH_SPEEDS: Final = {
    0: (("right_hip", 0.0), ("left_hip", 0.0), ("right_shoulder", 0.0), ("left_shoulder", 0.0)),
    Q: (("right_hip", 2.5), ("left_hip", -2.5), ("right_shoulder", -2.0), ("left_shoulder", 2.0)),
    W: (("right_hip", -2.5), ("left_hip", 2.5), ("right_shoulder", 2.0), ("left_shoulder", -2.0)),
}
_CALF_SPEEDS: Final = {
    0: (("right_knee", 0.0), ("left_knee", 0.0)),
    O: (("right_knee", 2.5), ("left_knee", -2.5)),
    P: (("right_knee", -2.5), ("left_knee", 2.5)),
}
_HIP_LIMITS: Final = {
    O: (("left_hip", -1.0, 1.0), ("right_hip", -1.3, 0.7)),
    P: (("left_hip", -1.5, 0.5), ("right_hip", -0.8, 1.2)),
}
_MOTORISED: Final = (
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_shoulder",
    "right_shoulder",
)


class Game:
    """A single game, right after a hard reset.

    Attributes:
        score_time: The game's clock [s].
        ticks: Ticks since the reset, its own not counted.
        ended: Whether the game is over; it then stands still.
        camera_x: Camera position [pixels].
        head_torque: Torque accumulated on the head, kept beside the world
            because the binding does not tell it.
        calf_key: Calf key that last set the hip limits: 0, ``O`` or ``P``.
        rules: What has been touched so far.
    """

    def __init__(self) -> None:
        self.rules = ContactRules()
        self._history: list[tuple[int, int]] = []
        self.reset()

    def reset(self, soft: bool = False) -> None:
        """Begin a new episode; this runs one tick without keys.

        Args:
            soft: Restart on the used world instead of in a fresh one.
        """
        if soft:
            self._history.append((_RESET, 1))
            self._stage.destroy_runner()
            self._stage.create_runner()
        else:
            self._history.clear()
            self._stage = Stage(self.rules)
        self.rules.clear()
        self._take_references()
        self.score_time = 0.0
        self.ticks = 0
        self.camera_x = START_CAMERA_PX
        self.head_torque = 0.0
        self.ended = False
        self.calf_key = 0
        self._pressed = 0
        self._first_tile: int | None = None
        self._play(0, 1)
        self.ticks = 0

    def play(self, mask: int, ticks: int) -> None:
        """Hold keys; a game that has ended stands still.

        Args:
            mask: Keys held, 0 to 15.
            ticks: Ticks to hold them for.
        """
        if self.ended or ticks == 0:
            return
        mask = _EFFECTIVE[mask]
        before = self.ticks
        self._play(mask, ticks)
        played = self.ticks - before
        if self._history and self._history[-1][0] == mask:
            self._history[-1] = (mask, self._history[-1][1] + played)
        else:
            self._history.append((mask, played))

    def clone(self) -> "Game":
        """Play the same keys in a new world, from the last hard reset on.

        Box2D hides its solver's impulses, so this is the only exact copy.

        Returns:
            A game that continues to the same bits.
        """
        other = Game()
        for mask, ticks in self._history:
            if mask == _RESET:
                other.reset(soft=True)
            else:
                other.play(mask, ticks)
        return other

    @property
    def score(self) -> float:
        """The displayed distance [m]."""
        if self.rules.landed:
            return self.rules.landing_score
        return displayed_distance(self._torso.position.x)

    def read_bodies(self, out: NDArray[np.float64]) -> None:
        """Read where every body is and how it moves.

        Args:
            out: Receives x, y, angle, vx, vy, angular velocity of
                :data:`BODY_NAMES`, shape (14, 6).
        """
        rows = []
        for body in self._bodies:
            position, velocity = body.position, body.linearVelocity
            rows.append(
                (
                    position.x,
                    position.y,
                    body.angle,
                    velocity.x,
                    velocity.y,
                    body.angularVelocity,
                )
            )
        out[:] = rows

    def foot_contacts(self) -> tuple[bool, bool]:
        """Return whether the left and the right foot touch a ground tile."""
        return self._on_ground("left_foot"), self._on_ground("right_foot")

    def n_touching(self) -> int:
        """Count the touching contacts in the world."""
        return sum(contact.touching for contact in self._stage.world.contacts)

    def _take_references(self) -> None:
        bodies = self._stage.bodies
        self._bodies = [bodies[name] for name in BODY_NAMES]
        self._torso, self._head = bodies["torso"], bodies["head"]
        self._joints = self._stage.joints

    def _play(self, mask: int, ticks: int) -> None:
        world_step, head, torso, rules = self._stage.world.Step, self._head, self._torso, self.rules
        for _ in range(ticks):
            self.score_time += CLOCK_STEP
            self._follow_with_tiles()
            torque = HEAD_TORQUE_GAIN * (head.angle + HEAD_TORQUE_OFFSET)
            head.ApplyTorque(torque, True)
            self.head_torque += torque
            if mask != self._pressed:
                self._press(mask)
            world_step(TIME_STEP, VELOCITY_ITERATIONS, POSITION_ITERATIONS)
            if not head.awake:
                self.head_torque = 0.0  # Box2D drops the forces of a body that falls asleep.
            if not rules.fallen:
                position = torso.position
                if position.y >= CAMERA_CEILING:
                    self.camera_x = (position.x - CAMERA_LEAD) * PIXELS_PER_UNIT
            self.ticks += 1
            if rules.landed or rules.fallen:
                self._end()
                return

    def _follow_with_tiles(self) -> None:
        first = math.floor(self.camera_x / _SCREEN_PX)
        if first != self._first_tile:
            self._stage.place_tiles(first)
            self._first_tile = first

    def _press(self, mask: int) -> None:
        resting = [body for body in self._bodies if not body.awake]
        thigh_key, calf_key = mask & _THIGH_KEYS, mask & _CALF_KEYS
        if thigh_key != self._pressed & _THIGH_KEYS:
            for name, speed in _THIGH_SPEEDS[thigh_key]:
                self._joints[name].motorSpeed = speed
        if calf_key != self._pressed & _CALF_KEYS:
            for name, speed in _CALF_SPEEDS[calf_key]:
                self._joints[name].motorSpeed = speed
        if calf_key and calf_key != self.calf_key:
            for name, lower, upper in _HIP_LIMITS[calf_key]:
                self._joints[name].limits = (lower, upper)
            self.calf_key = calf_key
        self._pressed = mask
        for body in resting:
            body.awake = False  # In the original a motor wakes nobody.

    def _end(self) -> None:
        self.ended = True
        for name in _MOTORISED:
            joint = self._joints[name]
            joint.limitEnabled = False
            joint.motorEnabled = False

    def _on_ground(self, foot: str) -> bool:
        return any(
            edge.contact.touching and edge.contact.fixtureA.userData is Role.TILE
            for edge in self._stage.bodies[foot].contacts
        )
