"""Bodies between the solvers: integration, swept boxes, placement, falling asleep."""

from typing import Final

from qwop_wr.simulator.constants import GRAVITY, TIME_STEP
from qwop_wr.simulator.exact.broad_phase import find_new_contacts, mark_moved, move_leaf
from qwop_wr.simulator.exact.compilation import compiled
from qwop_wr.simulator.exact.layout import (
    ANGLE,
    AWAKE,
    BEFORE,
    BEFORE_COSINE,
    BEFORE_FIELDS,
    BEFORE_SINE,
    BEFORE_X,
    BEFORE_Y,
    BODY_FIELDS,
    COSINE,
    HEAD_TORQUE,
    SINE,
    SLEEP_TIME,
    SPIN,
    STORED_BOXES,
    SWEPT_BOXES,
    VX,
    VY,
    X,
    Y,
)
from qwop_wr.simulator.exact.narrow_phase import RADIUS
from qwop_wr.simulator.exact.primitives import (
    Pointer,
    Real,
    Truth,
    absolute,
    bits_of,
    get,
    put,
    select,
    square_root,
)
from qwop_wr.simulator.exact.tables import HALF_HEIGHT, HALF_WIDTH, INVERSE_INERTIA, body_number
from qwop_wr.simulator.exact.trigonometry import sine_cosine

HEAD: Final = body_number("head")
MAX_MOVE: Final = 2.0
MAX_TURN: Final = 1.5707963267948966
MAX_TURN_SQUARED: Final = 2.4674011002723395
STEP_RATE: Final = 1.0 / TIME_STEP
GRAVITY_STEP: Final = TIME_STEP * GRAVITY
STILL_SPEED_SQUARED: Final = 0.01 * 0.01
STILL_SPIN_SQUARED: Final = 0.03490658503988659 * 0.03490658503988659
TIME_TO_SLEEP: Final = 0.5


@compiled
def accelerate(lane: Pointer, body: int) -> None:
    """Applies gravity, and the head's accumulated torque, for a step."""
    field = body * BODY_FIELDS
    put(lane, field + VX, get(lane, field + VX) + 0.0)
    put(lane, field + VY, get(lane, field + VY) + GRAVITY_STEP)
    spin = get(lane, field + SPIN) + 0.0
    if body == HEAD:
        spin = get(lane, field + SPIN) + TIME_STEP * INVERSE_INERTIA[HEAD] * get(lane, HEAD_TORQUE)
    put(lane, field + SPIN, spin)


@compiled
def _limited_speed(vx: Real, vy: Real) -> tuple[Real, Real]:
    move_x, move_y = TIME_STEP * vx, TIME_STEP * vy
    too_fast = move_x * move_x + move_y * move_y > MAX_MOVE * MAX_MOVE
    if bits_of(too_fast) == 0:
        return vx, vy
    scale = 1.0 / square_root(vx * vx + vy * vy)
    fastest = MAX_MOVE * STEP_RATE
    return (select(too_fast, vx * scale * fastest, vx), select(too_fast, vy * scale * fastest, vy))


@compiled
def move(lane: Pointer, body: int) -> None:
    """Advances a body by its velocity, and remembers where it was."""
    field, before = body * BODY_FIELDS, BEFORE + body * BEFORE_FIELDS
    x, y, angle = get(lane, field + X), get(lane, field + Y), get(lane, field + ANGLE)
    put(lane, before + BEFORE_X, x)
    put(lane, before + BEFORE_Y, y)
    put(lane, before + BEFORE_SINE, get(lane, field + SINE))
    put(lane, before + BEFORE_COSINE, get(lane, field + COSINE))
    vx, vy = _limited_speed(get(lane, field + VX), get(lane, field + VY))
    spin = get(lane, field + SPIN)
    turn = TIME_STEP * spin
    fastest = MAX_TURN * STEP_RATE
    spin = select(turn * turn > MAX_TURN_SQUARED, select(spin < 0.0, -fastest, fastest), spin)
    put(lane, field + VX, vx)
    put(lane, field + VY, vy)
    put(lane, field + SPIN, spin)
    put(lane, field + X, x + TIME_STEP * vx)
    put(lane, field + Y, y + TIME_STEP * vy)
    angle = angle + TIME_STEP * spin
    sine, cosine = sine_cosine(lane, angle)
    put(lane, field + ANGLE, angle)
    put(lane, field + SINE, sine)
    put(lane, field + COSINE, cosine)


@compiled
def rest(lane: Pointer, body: int) -> Real:
    """Counts how long a body has been still, and returns that time [s]."""
    field = body * BODY_FIELDS
    vx, vy, spin = get(lane, field + VX), get(lane, field + VY), get(lane, field + SPIN)
    moving = (spin * spin > STILL_SPIN_SQUARED) | (vx * vx + vy * vy > STILL_SPEED_SQUARED)
    time = get(lane, field + SLEEP_TIME)
    time = select(moving, 0.0, time + TIME_STEP)
    put(lane, field + SLEEP_TIME, time)
    return time


@compiled
def fall_asleep(lane: Pointer, integers: Pointer, body: int) -> None:
    """Puts a body to sleep; the head loses its accumulated torque."""
    field = body * BODY_FIELDS
    integers[AWAKE] &= ~(1 << body)
    put(lane, field + SLEEP_TIME, 0.0)
    put(lane, field + VX, 0.0)
    put(lane, field + VY, 0.0)
    put(lane, field + SPIN, 0.0)
    if body == HEAD:
        put(lane, HEAD_TORQUE, 0.0)


@compiled
def box_extent(
    sine: Real, cosine: Real, half_width: float, half_height: float
) -> tuple[Real, Real]:
    """Returns a turned box's half extents along the world's axes.

    The half width and height are along the box's own axes.
    """
    return (
        absolute(cosine) * half_width + absolute(sine) * half_height,
        absolute(sine) * half_width + absolute(cosine) * half_height,
    )


@compiled
def _least(one: Real, other: Real) -> Real:
    return select(one < other, one, other)


@compiled
def _most(one: Real, other: Real) -> Real:
    return select(one > other, one, other)


@compiled
def sweep(lane: Pointer, body: int, active: Truth) -> Truth:
    """Stores the box around a body before and after its step.

    Args:
        active: Games in which it has moved; in others the box is kept.

    Returns:
        Whether the box is no longer within the stored one.
    """
    field, before = body * BODY_FIELDS, BEFORE + body * BEFORE_FIELDS
    half_width, half_height = HALF_WIDTH[body], HALF_HEIGHT[body]
    x0, y0 = get(lane, before + BEFORE_X), get(lane, before + BEFORE_Y)
    x1, y1 = get(lane, field + X), get(lane, field + Y)
    w0, h0 = box_extent(
        get(lane, before + BEFORE_SINE), get(lane, before + BEFORE_COSINE), half_width, half_height
    )
    w1, h1 = box_extent(get(lane, field + SINE), get(lane, field + COSINE), half_width, half_height)
    lower_x = _least((x0 - w0) - RADIUS, (x1 - w1) - RADIUS)
    lower_y = _least((y0 - h0) - RADIUS, (y1 - h1) - RADIUS)
    upper_x = _most((x0 + w0) + RADIUS, (x1 + w1) + RADIUS)
    upper_y = _most((y0 + h0) + RADIUS, (y1 + h1) + RADIUS)
    swept, stored = SWEPT_BOXES + 4 * body, STORED_BOXES + 4 * body
    put(lane, swept, select(active, lower_x, get(lane, swept)))
    put(lane, swept + 1, select(active, lower_y, get(lane, swept + 1)))
    put(lane, swept + 2, select(active, upper_x, get(lane, swept + 2)))
    put(lane, swept + 3, select(active, upper_y, get(lane, swept + 3)))
    within = (
        (get(lane, stored) <= lower_x)
        & (get(lane, stored + 1) <= lower_y)
        & (upper_x <= get(lane, stored + 2))
        & (upper_y <= get(lane, stored + 3))
    )
    return active & ~within


@compiled
def refit(lane: Pointer, reals: Pointer, integers: Pointer, body: int) -> None:
    """Moves a body's leaf after it and marks it as moved."""
    field, before = body * BODY_FIELDS, BEFORE + body * BEFORE_FIELDS
    move_x = get(lane, field + X) - get(lane, before + BEFORE_X)
    move_y = get(lane, field + Y) - get(lane, before + BEFORE_Y)
    move_leaf(lane, reals, integers, body, move_x, move_y)
    mark_moved(integers, body)


@compiled
def synchronise(lane: Pointer, reals: Pointer, integers: Pointer, body: int) -> None:
    """Brings a body's boxes up to date after a step."""
    if sweep(lane, body, True):
        refit(lane, reals, integers, body)


@compiled
def stand_still(lane: Pointer, body: int) -> None:
    """Makes a body count as not having moved."""
    field, before = body * BODY_FIELDS, BEFORE + body * BEFORE_FIELDS
    put(lane, before + BEFORE_X, get(lane, field + X))
    put(lane, before + BEFORE_Y, get(lane, field + Y))
    put(lane, before + BEFORE_SINE, get(lane, field + SINE))
    put(lane, before + BEFORE_COSINE, get(lane, field + COSINE))


@compiled
def place(
    lane: Pointer, reals: Pointer, integers: Pointer, body: int, x: float, y: float, angle: float
) -> None:
    """Sets a body down at a place [units] and an angle [rad], and finds its new contacts."""
    field = body * BODY_FIELDS
    sine, cosine = sine_cosine(lane, angle)
    put(lane, field + X, x)
    put(lane, field + Y, y)
    put(lane, field + ANGLE, angle)
    put(lane, field + SINE, sine)
    put(lane, field + COSINE, cosine)
    stand_still(lane, body)
    synchronise(lane, reals, integers, body)
    find_new_contacts(reals, integers)
