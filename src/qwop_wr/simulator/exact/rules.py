"""The game's rules: keys, head torque, falling, jumping, landing, score and camera."""

import math
from typing import Final

from qwop_wr.simulator.anatomy import CALF_SPEEDS, HIP_LIMITS, THIGH_SPEEDS
from qwop_wr.simulator.constants import (
    CAMERA_CEILING,
    CAMERA_LEAD,
    CLOCK_STEP,
    JUMP_LINE_PX,
    PIXELS_PER_UNIT,
    SAND_PIT_PX,
    UNITS_PER_METRE,
)
from qwop_wr.simulator.exact.compilation import compiled
from qwop_wr.simulator.exact.layout import (
    BODY_A,
    BODY_B,
    BODY_FIELDS,
    CALF_KEY,
    CAMERA_X,
    CONTACT_FIELDS,
    CONTACTS,
    ENDED,
    FALLEN,
    FLAGS,
    JOINT_FIELDS,
    JOINTS,
    JUMPED,
    LANDED,
    LOWER,
    MANIFOLD_FIELDS,
    MANIFOLDS,
    MOTOR_SPEED,
    N_POINTS,
    N_TILES,
    SCORE,
    SCORE_TIME,
    TICKS,
    UPPER,
    X,
    Y,
)
from qwop_wr.simulator.exact.narrow_phase import world_normal, world_point
from qwop_wr.simulator.exact.primitives import Pointer, get, put
from qwop_wr.simulator.exact.tables import body_number, joint_number
from qwop_wr.simulator.keys import O, P, Q, W

TORSO: Final = body_number("torso")
HEAD: Final = body_number("head")
LEFT_FOOT: Final = body_number("left_foot")
_TORSO_FIELDS: Final = TORSO * BODY_FIELDS
_FALL_BODIES: Final = sum(
    1 << body_number(name)
    for name in ("head", "left_arm", "left_forearm", "right_arm", "right_forearm")
)

_LEFT_HIP: Final = JOINTS + joint_number("left_hip") * JOINT_FIELDS
_RIGHT_HIP: Final = JOINTS + joint_number("right_hip") * JOINT_FIELDS
_LEFT_SHOULDER: Final = JOINTS + joint_number("left_shoulder") * JOINT_FIELDS
_RIGHT_SHOULDER: Final = JOINTS + joint_number("right_shoulder") * JOINT_FIELDS
_LEFT_KNEE: Final = JOINTS + joint_number("left_knee") * JOINT_FIELDS
_RIGHT_KNEE: Final = JOINTS + joint_number("right_knee") * JOINT_FIELDS

_HIP_SPEED: Final = THIGH_SPEEDS[Q]["right_hip"]
_SHOULDER_SPEED: Final = THIGH_SPEEDS[W]["right_shoulder"]
_KNEE_SPEED: Final = CALF_SPEEDS[O]["right_knee"]
_LEFT_HIP_BY_O: Final = HIP_LIMITS[O]["left_hip"]
_RIGHT_HIP_BY_O: Final = HIP_LIMITS[O]["right_hip"]
_LEFT_HIP_BY_P: Final = HIP_LIMITS[P]["left_hip"]
_RIGHT_HIP_BY_P: Final = HIP_LIMITS[P]["right_hip"]


@compiled
def _set_limits(lane: Pointer, joint: int, limits: tuple[float, float]) -> None:
    put(lane, joint + LOWER, limits[0])
    put(lane, joint + UPPER, limits[1])


@compiled
def press_keys(lane: Pointer, integers: Pointer, keys: int) -> None:
    """Sets motor speeds and hip limits by the keys held."""
    thighs = 1.0 if keys & Q else (-1.0 if keys & W else 0.0)
    calves = 1.0 if keys & O else (-1.0 if keys & P else 0.0)
    put(lane, _RIGHT_HIP + MOTOR_SPEED, thighs * _HIP_SPEED)
    put(lane, _LEFT_HIP + MOTOR_SPEED, -thighs * _HIP_SPEED)
    put(lane, _RIGHT_SHOULDER + MOTOR_SPEED, -thighs * _SHOULDER_SPEED)
    put(lane, _LEFT_SHOULDER + MOTOR_SPEED, thighs * _SHOULDER_SPEED)
    put(lane, _RIGHT_KNEE + MOTOR_SPEED, calves * _KNEE_SPEED)
    put(lane, _LEFT_KNEE + MOTOR_SPEED, -calves * _KNEE_SPEED)
    if keys & O:
        _set_limits(lane, _LEFT_HIP, _LEFT_HIP_BY_O)
        _set_limits(lane, _RIGHT_HIP, _RIGHT_HIP_BY_O)
        integers[CALF_KEY] = O
    elif keys & P:
        _set_limits(lane, _LEFT_HIP, _LEFT_HIP_BY_P)
        _set_limits(lane, _RIGHT_HIP, _RIGHT_HIP_BY_P)
        integers[CALF_KEY] = P


@compiled
def _contact_x(lane: Pointer, reals: Pointer, integers: Pointer, record: int) -> float:
    contact = CONTACTS + record * CONTACT_FIELDS
    manifold = MANIFOLDS + record * MANIFOLD_FIELDS
    face = world_normal(lane, reals, integers, contact, manifold)
    largest = -math.inf
    for point in range(integers[contact + N_POINTS]):
        x, _ = world_point(lane, reals, integers, contact, manifold, point, face)
        largest = max(largest, x)
    return largest


@compiled
def begin_contact(lane: Pointer, reals: Pointer, integers: Pointer, record: int) -> None:
    """Judges a contact that has just begun: a jump, a landing or a fall."""
    contact = CONTACTS + record * CONTACT_FIELDS
    flags = integers[FLAGS]
    if integers[contact + BODY_A] >= N_TILES or flags & FALLEN:
        return
    body = integers[contact + BODY_B]
    if body == LEFT_FOOT:
        x = _contact_x(lane, reals, integers, record)
        if x * PIXELS_PER_UNIT > JUMP_LINE_PX:
            flags |= JUMPED
        if flags & JUMPED and not flags & LANDED and x * PIXELS_PER_UNIT > SAND_PIT_PX:
            flags |= LANDED
            reals[SCORE] = math.floor(x + 0.5) / UNITS_PER_METRE
        integers[FLAGS] = flags
    elif (_FALL_BODIES >> body) & 1:
        if flags & JUMPED and not flags & LANDED:
            flags |= LANDED
            x = _contact_x(lane, reals, integers, record)
            reals[SCORE] = math.floor(x + 0.5) / UNITS_PER_METRE
        integers[FLAGS] = flags | FALLEN


@compiled
def start_clock(reals: Pointer, integers: Pointer) -> None:
    """Counts the tick, at its beginning."""
    reals[SCORE_TIME] += CLOCK_STEP
    integers[TICKS] += 1


@compiled
def judge(lane: Pointer, reals: Pointer, integers: Pointer) -> None:
    """Moves the camera, counts the score and ends the game, after the step."""
    flags = integers[FLAGS]
    x = get(lane, _TORSO_FIELDS + X)
    if not get(lane, _TORSO_FIELDS + Y) < CAMERA_CEILING and not flags & FALLEN:
        reals[CAMERA_X] = (x - CAMERA_LEAD) * PIXELS_PER_UNIT
    if not flags & LANDED:
        reals[SCORE] = math.floor(x + 0.5) / UNITS_PER_METRE
    if flags & (LANDED | FALLEN):
        integers[FLAGS] = flags | ENDED
