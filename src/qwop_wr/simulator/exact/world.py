"""Worlds: a fresh page, a restart, and what the game moves before a step."""

import math
from typing import Final

from qwop_wr.simulator.constants import (
    FRESH_PAGE_CAMERA_PX,
    HEAD_TORQUE_GAIN,
    HEAD_TORQUE_OFFSET,
    PIXELS_PER_UNIT,
    START_CAMERA_PX,
    TILE_WIDTH,
)
from qwop_wr.simulator.exact.bodies import HEAD, place, stand_still, sweep
from qwop_wr.simulator.exact.broad_phase import create_leaf, destroy_leaf, mark_moved
from qwop_wr.simulator.exact.compilation import compiled
from qwop_wr.simulator.exact.contacts import destroy_contacts_of, wake
from qwop_wr.simulator.exact.layout import (
    ANGLE,
    AWAKE,
    BODY_FIELDS,
    CALF_KEY,
    CAMERA_X,
    COSINE,
    FALLEN,
    FIRST_DYNAMIC,
    FIRST_PART,
    FLAGS,
    FREE_NODE,
    GAME_INTEGERS,
    GAME_REALS,
    HEAD_TORQUE,
    HURDLE_BASE,
    JOINT_FIELDS,
    JOINTS,
    LANE_FIELDS,
    LOWER,
    N_BODIES,
    N_JOINTS,
    N_TILES,
    NONE,
    PLATFORM,
    ROOT,
    SCORE,
    SCORE_TIME,
    TICKS,
    UPPER,
    X,
    Y,
)
from qwop_wr.simulator.exact.primitives import Pointer, get, put
from qwop_wr.simulator.exact.tables import (
    JOINT,
    JOINT_COLUMNS,
    REMOVED_BODIES,
    START_ANGLE,
    START_LOWER,
    START_UPPER,
    START_X,
    START_Y,
)

SCREEN_PX: Final = TILE_WIDTH * PIXELS_PER_UNIT


@compiled
def _create_body(
    lane: Pointer, reals: Pointer, integers: Pointer, body: int, x: float, y: float, awake: int
) -> None:
    for field in range(BODY_FIELDS):
        put(lane, body * BODY_FIELDS + field, 0.0)
    put(lane, body * BODY_FIELDS + X, x)
    put(lane, body * BODY_FIELDS + Y, y)
    put(lane, body * BODY_FIELDS + COSINE, 1.0)
    integers[AWAKE] = (integers[AWAKE] & ~(1 << body)) | (awake << body)
    stand_still(lane, body)
    sweep(lane, body, True)
    create_leaf(lane, reals, integers, body)
    mark_moved(integers, body)


@compiled
def _create_joint(lane: Pointer, number: int) -> None:
    joint = JOINTS + number * JOINT_FIELDS
    for field in range(JOINT_FIELDS):
        put(lane, joint + field, 0.0)
    put(lane, joint + LOWER, JOINT[number * JOINT_COLUMNS + START_LOWER])
    put(lane, joint + UPPER, JOINT[number * JOINT_COLUMNS + START_UPPER])


@compiled
def _create_hurdle_and_runner(lane: Pointer, reals: Pointer, integers: Pointer) -> None:
    for body in range(HURDLE_BASE, FIRST_PART):
        _create_body(lane, reals, integers, body, START_X[body], START_Y[body], 0)
    for body in range(FIRST_PART, N_BODIES):
        _create_body(lane, reals, integers, body, 0.0, 0.0, 1)
        place(lane, reals, integers, body, START_X[body], START_Y[body], 0.0)
        place(lane, reals, integers, body, START_X[body], START_Y[body], START_ANGLE[body])
    for joint in range(N_JOINTS):
        _create_joint(lane, joint)
    put(lane, HEAD_TORQUE, 0.0)


@compiled
def _open_page(lane: Pointer, reals: Pointer, integers: Pointer, platform: int) -> None:
    for field in range(LANE_FIELDS):
        put(lane, field, 0.0)
    for index in range(GAME_REALS):
        reals[index] = 0.0
    for index in range(GAME_INTEGERS):
        integers[index] = 0
    integers[ROOT] = NONE
    integers[FREE_NODE] = NONE
    put(lane, PLATFORM, float(platform))
    reals[CAMERA_X] = FRESH_PAGE_CAMERA_PX
    for body in range(FIRST_DYNAMIC):
        _create_body(lane, reals, integers, body, START_X[body], START_Y[body], 1)
    _create_hurdle_and_runner(lane, reals, integers)


@compiled
def restart(lane: Pointer, reals: Pointer, integers: Pointer, soft: bool, platform: int) -> None:
    """Creates hurdle and runner anew; the reset's own tick is still to come.

    Args:
        soft: Whether the world goes on from its last game; else a page is opened first.
        platform: Index of the platform that a new page is opened on.
    """
    if not soft:
        _open_page(lane, reals, integers, platform)
    for index in range(N_BODIES - FIRST_DYNAMIC):
        body = REMOVED_BODIES[index]
        destroy_contacts_of(lane, integers, body)
        destroy_leaf(reals, integers, body)
    reals[SCORE_TIME] = 0.0
    reals[SCORE] = 0.0
    reals[CAMERA_X] = START_CAMERA_PX
    integers[FLAGS] = 0
    integers[CALF_KEY] = 0
    # The reset's own tick is not counted.
    integers[TICKS] = -1
    _create_hurdle_and_runner(lane, reals, integers)


@compiled
def lay_tiles(lane: Pointer, reals: Pointer, integers: Pointer) -> None:
    """Moves the ground tiles to where the camera is."""
    first = math.floor(reals[CAMERA_X] / SCREEN_PX)
    # The tiles always lie side by side: if the first is in place, all are.
    if get(lane, X) == first * TILE_WIDTH:
        return
    for tile in range(N_TILES):
        place(lane, reals, integers, tile, (first + tile) * TILE_WIDTH, START_Y[tile], 0.0)


@compiled
def hold_head(lane: Pointer, integers: Pointer) -> None:
    """Adds to the torque that holds the head up; it is never cleared while awake."""
    if integers[FLAGS] & FALLEN:
        return
    if (integers[AWAKE] >> HEAD) & 1 == 0:
        wake(lane, integers, HEAD)
    angle = get(lane, HEAD * BODY_FIELDS + ANGLE)
    torque = HEAD_TORQUE_GAIN * (angle + HEAD_TORQUE_OFFSET)
    put(lane, HEAD_TORQUE, get(lane, HEAD_TORQUE) + torque)
