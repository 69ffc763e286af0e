"""Position iterations of contacts between any two bodies."""

from typing import Final

from qwop_wr.simulator.constants import LINEAR_SLOP
from qwop_wr.simulator.exact.compilation import compiled
from qwop_wr.simulator.exact.contact_solver import (
    COUNT,
    EQUALIZED_MASS,
    FIRST_POINT,
    POINT_FIELDS,
    RECORD,
)
from qwop_wr.simulator.exact.layout import (
    ANGLE,
    BODY_A,
    BODY_B,
    BODY_FIELDS,
    CONTACT_FIELDS,
    CONTACTS,
    COSINE,
    FLIPPED,
    MANIFOLD_FIELDS,
    MANIFOLDS,
    NORMAL,
    PLANE,
    POINTS,
    SINE,
    X,
    Y,
)
from qwop_wr.simulator.exact.narrow_phase import TOTAL_RADIUS
from qwop_wr.simulator.exact.primitives import Pointer, get, put
from qwop_wr.simulator.exact.tables import INERTIA_RATIO, INVERSE_MASS, MASS_RATIO
from qwop_wr.simulator.exact.trigonometry import sine_cosine

MAX_LINEAR_CORRECTION: Final = 0.2


@compiled
def _turned(lane: Pointer, body: int, x: float, y: float) -> tuple[float, float]:
    field = body * BODY_FIELDS
    sine, cosine = get(lane, field + SINE), get(lane, field + COSINE)
    return cosine * x - sine * y, sine * x + cosine * y


@compiled
def _shift(
    lane: Pointer, body: int, sign: float, x: float, y: float, push_x: float, push_y: float
) -> None:
    field = body * BODY_FIELDS
    centre_x, centre_y = get(lane, field + X), get(lane, field + Y)
    turn = x * push_y - y * push_x
    put(lane, field + X, centre_x + sign * (MASS_RATIO[body] * push_x))
    put(lane, field + Y, centre_y + sign * (MASS_RATIO[body] * push_y))
    put(lane, field + ANGLE, get(lane, field + ANGLE) + sign * (INERTIA_RATIO[body] * turn))


@compiled
def _refresh(lane: Pointer, body: int) -> None:
    if INVERSE_MASS[body] > 0.0:
        field = body * BODY_FIELDS
        sine, cosine = sine_cosine(lane, get(lane, field + ANGLE))
        put(lane, field + SINE, sine)
        put(lane, field + COSINE, cosine)


@compiled
def solve_contact_position(
    lane: Pointer, reals: Pointer, integers: Pointer, work: Pointer, constraint: int
) -> float:
    """Runs one position iteration of a contact, pushing the bodies apart.

    Returns:
        The least separation of its points before the correction.
    """
    record = int(work[constraint + RECORD])
    contact, manifold = CONTACTS + record * CONTACT_FIELDS, MANIFOLDS + record * MANIFOLD_FIELDS
    a, b = integers[contact + BODY_A], integers[contact + BODY_B]
    flipped = integers[contact + FLIPPED]
    one, other = (b, a) if flipped else (a, b)
    normal_x, normal_y = _turned(lane, one, reals[manifold + NORMAL], reals[manifold + NORMAL + 1])
    x, y = _turned(lane, one, reals[manifold + PLANE], reals[manifold + PLANE + 1])
    plane_x = get(lane, one * BODY_FIELDS + X) + x
    plane_y = get(lane, one * BODY_FIELDS + Y) + y
    sine, cosine = get(lane, other * BODY_FIELDS + SINE), get(lane, other * BODY_FIELDS + COSINE)
    origin_x, origin_y = get(lane, other * BODY_FIELDS + X), get(lane, other * BODY_FIELDS + Y)
    sign = -1.0 if flipped else 1.0
    least = 0.0
    for index in range(int(work[constraint + COUNT])):
        place = manifold + POINTS + 2 * index
        local_x, local_y = reals[place], reals[place + 1]
        x = origin_x + (cosine * local_x - sine * local_y)
        y = origin_y + (sine * local_x + cosine * local_y)
        separation = (x - plane_x) * normal_x + (y - plane_y) * normal_y - TOTAL_RADIUS
        least = min(least, separation)
        error = min(max(separation + LINEAR_SLOP, -MAX_LINEAR_CORRECTION), 0.0)
        impulse = -work[constraint + FIRST_POINT + index * POINT_FIELDS + EQUALIZED_MASS] * error
        push_x, push_y = impulse * (sign * normal_x), impulse * (sign * normal_y)
        for body, direction in ((a, -1.0), (b, 1.0)):
            arm_x = x - get(lane, body * BODY_FIELDS + X)
            arm_y = y - get(lane, body * BODY_FIELDS + Y)
            _shift(lane, body, direction, arm_x, arm_y, push_x, push_y)
    _refresh(lane, a)
    _refresh(lane, b)
    return least
