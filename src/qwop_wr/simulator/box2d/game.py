"""One game: its clock, its camera and the tick that moves it all."""

import math
from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qwop_wr.simulator.anatomy import PART_NAMES
from qwop_wr.simulator.box2d.rules import ContactRules, Motors, displayed_distance, on_ground
from qwop_wr.simulator.box2d.world import World
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
from qwop_wr.simulator.keys import N_MASKS, effective_keys

BODY_NAMES: Final = (*PART_NAMES, "hurdle_base", "hurdle_top")
"""Rows of :meth:`Game.read_bodies`."""

_EFFECTIVE_KEYS: Final = tuple(effective_keys(mask) for mask in range(N_MASKS))
_SCREEN_PX: Final = TILE_WIDTH * PIXELS_PER_UNIT
_SOFT_RESET: Final = -1


class Game:
    """A single game, first of all after a hard reset.

    Attributes:
        rules: What has been touched so far.
        score_time: The game's clock [s].
        ticks: Ticks since the reset, its own not counted.
        ended: Whether the game is over; it then stands still.
        camera_x: Camera position [pixels].
        head_torque: Torque accumulated on the head, kept beside the world
            (in float64) because the binding does not tell it.
    """

    def __init__(self) -> None:
        self.rules = ContactRules()
        self._world = World(self.rules)
        self._history: list[tuple[int, int]] = []
        self._begin()

    def reset(self, soft: bool = False) -> None:
        """Begins a new episode, in the used world if ``soft``; this runs one tick without keys."""
        if soft:
            self._history.append((_SOFT_RESET, 1))
            self._world.recreate_runner()
        else:
            self._history.clear()
            self._world = World(self.rules)
        self._begin()

    def play(self, mask: int, ticks: int) -> None:
        """Holds the keys of a mask, 0 to 15; a game that has ended stands still."""
        if self.ended or ticks == 0:
            return
        keys, before = _EFFECTIVE_KEYS[mask], self.ticks
        self.motors.press(keys)
        self._advance(ticks)
        if self._history and self._history[-1][0] == keys:
            before -= self._history.pop()[1]
        self._history.append((keys, self.ticks - before))

    def clone(self) -> "Game":
        """Returns a game that continues to the same bits.

        It plays the same keys in a new world, from the last hard reset on.
        """
        return _replayed(self._history)

    def __reduce__(self) -> tuple[Callable[..., "Game"], tuple[tuple[tuple[int, int], ...]]]:
        """Copies and pickles as :meth:`clone` does: Box2D's worlds cannot be read out."""
        return _replayed, (tuple(self._history),)

    @property
    def score(self) -> float:
        """The displayed distance [m]."""
        if self.rules.landed:
            return self.rules.landing_score
        return displayed_distance(self._torso.position.x)

    @property
    def foot_contacts(self) -> tuple[bool, bool]:
        """Whether the left and the right foot touch a ground tile."""
        left, right = (
            any(on_ground(edge.contact) for edge in self._world.bodies[foot].contacts)
            for foot in ("left_foot", "right_foot")
        )
        return left, right

    @property
    def touching(self) -> int:
        """Touching contacts in the world."""
        return sum(contact.touching for contact in self._world.physics.contacts)

    def read_bodies(self, out: NDArray[np.float64]) -> None:
        """Reads x, y, angle, vx, vy, angular velocity of :data:`BODY_NAMES`, shape (14, 6)."""
        rows = []
        for body in self._bodies:
            at, v = body.position, body.linearVelocity
            rows.append((at.x, at.y, body.angle, v.x, v.y, body.angularVelocity))
        out[:] = rows

    def _begin(self) -> None:
        self.rules.clear()
        self._bodies = [self._world.bodies[name] for name in BODY_NAMES]
        self._torso, self._head = self._world.bodies["torso"], self._world.bodies["head"]
        self.motors = Motors(self._world.joints)
        self.ticks = 0
        self.score_time = 0.0
        self.camera_x = START_CAMERA_PX
        self.head_torque = 0.0
        self.ended = False
        self._advance(1)
        self.ticks = 0

    def _advance(self, ticks: int) -> None:
        world, rules, head, torso = self._world, self.rules, self._head, self._torso
        step, apply_torque = world.physics.Step, head.ApplyTorque
        hurdle_top = world.bodies["hurdle_top"]
        for _ in range(ticks):
            self.ticks += 1
            self.score_time += CLOCK_STEP
            world.place_tiles(math.floor(self.camera_x / _SCREEN_PX))
            torque = HEAD_TORQUE_GAIN * (head.angle + HEAD_TORQUE_OFFSET)
            apply_torque(torque, True)
            self.head_torque += torque
            step(TIME_STEP, VELOCITY_ITERATIONS, POSITION_ITERATIONS)
            if not head.awake:
                self.head_torque = 0.0  # A body that falls asleep loses its forces.
            if hurdle_top.awake and not rules.hurdle_touched:
                world.lay_hurdle_to_rest()
            position = torso.position
            if position.y >= CAMERA_CEILING and not rules.fallen:
                self.camera_x = (position.x - CAMERA_LEAD) * PIXELS_PER_UNIT
            if rules.fallen or rules.landed:
                self.ended = True
                self.motors.switch_off()
                return


def _replayed(history: Iterable[tuple[int, int]]) -> Game:
    game = Game()
    for keys, ticks in history:
        if keys == _SOFT_RESET:
            game.reset(soft=True)
        else:
            game.play(keys, ticks)
    return game
