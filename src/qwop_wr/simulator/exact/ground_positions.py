"""Position iterations of a part's contacts with the ground, of one game or of eight."""

from qwop_wr.simulator.constants import LINEAR_SLOP
from qwop_wr.simulator.exact.compilation import compiled
from qwop_wr.simulator.exact.contact_positions import MAX_LINEAR_CORRECTION
from qwop_wr.simulator.exact.ground_contacts import (
    COUNT,
    EQUALIZED_MASS,
    FIRST_POINT,
    FLIP,
    GROUND_X,
    GROUND_Y,
    LOCAL_NORMAL,
    LOCAL_PLANE,
    LOCAL_POINTS,
    POINT_FIELDS,
    TWO,
)
from qwop_wr.simulator.exact.layout import ANGLE, BODY_FIELDS, COSINE, SINE, X, Y
from qwop_wr.simulator.exact.narrow_phase import TOTAL_RADIUS
from qwop_wr.simulator.exact.primitives import Pointer, Real, Truth, bits_of, get, put, select
from qwop_wr.simulator.exact.tables import INERTIA_RATIO, MASS_RATIO
from qwop_wr.simulator.exact.trigonometry import sine_cosine


@compiled
def _face(
    lane: Pointer, work: Pointer, slot: int, field: int, flipped: Truth
) -> tuple[Real, Real, Real, Real]:
    x, y = get(lane, field + X), get(lane, field + Y)
    sine, cosine = get(lane, field + SINE), get(lane, field + COSINE)
    ground_x, ground_y = get(work, slot + GROUND_X), get(work, slot + GROUND_Y)
    local_x, local_y = get(work, slot + LOCAL_NORMAL), get(work, slot + LOCAL_NORMAL + 1)
    normal_x = select(flipped, cosine * local_x - sine * local_y, local_x)
    normal_y = select(flipped, sine * local_x + cosine * local_y, local_y)
    local_x, local_y = get(work, slot + LOCAL_PLANE), get(work, slot + LOCAL_PLANE + 1)
    plane_x = select(flipped, x + (cosine * local_x - sine * local_y), ground_x + local_x)
    plane_y = select(flipped, y + (sine * local_x + cosine * local_y), ground_y + local_y)
    return normal_x, normal_y, plane_x, plane_y


@compiled
def solve_slot_position(lane: Pointer, work: Pointer, slot: int, body: int, active: Truth) -> Real:
    """Runs one position iteration of a slot, pushing the part out of the ground.

    Args:
        active: Games that still iterate; others keep their state.

    Returns:
        The least separation of its points before the correction, at most 0.
    """
    field = body * BODY_FIELDS
    x, y = get(lane, field + X), get(lane, field + Y)
    sine, cosine = get(lane, field + SINE), get(lane, field + COSINE)
    ground_x, ground_y = get(work, slot + GROUND_X), get(work, slot + GROUND_Y)
    flipped = get(work, slot + FLIP) > 0.0
    normal_x, normal_y, plane_x, plane_y = _face(lane, work, slot, field, flipped)
    push_x, push_y = select(flipped, -normal_x, normal_x), select(flipped, -normal_y, normal_y)
    two = get(work, slot + TWO) > 0.0
    n_points = 1 if bits_of(two) == 0 else 2
    least = normal_x * 0.0
    new_x, new_y, angle = x, y, get(lane, field + ANGLE)
    for index in range(n_points):
        local_x = get(work, slot + LOCAL_POINTS + 2 * index)
        local_y = get(work, slot + LOCAL_POINTS + 2 * index + 1)
        point_x = select(flipped, ground_x + local_x, x + (cosine * local_x - sine * local_y))
        point_y = select(flipped, ground_y + local_y, y + (sine * local_x + cosine * local_y))
        separation = (point_x - plane_x) * normal_x + (point_y - plane_y) * normal_y - TOTAL_RADIUS
        present = get(work, slot + COUNT) > 0.0 if index == 0 else two
        separation = select(present, separation, 0.0)
        least = select(least < separation, least, separation)
        error = separation + LINEAR_SLOP
        error = select(
            error < -MAX_LINEAR_CORRECTION, -MAX_LINEAR_CORRECTION, select(error > 0.0, 0.0, error)
        )
        mass = get(work, slot + FIRST_POINT + index * POINT_FIELDS + EQUALIZED_MASS)
        impulse = select(active & present, -mass * error, 0.0)
        move_x, move_y = impulse * push_x, impulse * push_y
        turn = (point_x - new_x) * move_y - (point_y - new_y) * move_x
        new_x = new_x + MASS_RATIO[body] * move_x
        new_y = new_y + MASS_RATIO[body] * move_y
        angle = angle + INERTIA_RATIO[body] * turn
    put(lane, field + X, new_x)
    put(lane, field + Y, new_y)
    put(lane, field + ANGLE, angle)
    sine, cosine = sine_cosine(lane, angle)
    put(lane, field + SINE, sine)
    put(lane, field + COSINE, cosine)
    return least
