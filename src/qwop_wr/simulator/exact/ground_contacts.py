"""Contacts of a part with the ground, of one game or of eight at once.

Tiles and block are static and level, so the terms of the first body vanish;
what is left keeps the original's order of operations. The contacts of a group
stand in slots: a slot holds, for every lane that has one, the contact of the
same rank of the same part. Lanes without one hold zeros, and every operation
leaves their bodies as they are.
"""

from typing import Final

from qwop_wr.simulator.constants import LINEAR_SLOP
from qwop_wr.simulator.exact.compilation import compiled
from qwop_wr.simulator.exact.contact_solver import MAX_CONDITION, MAX_LINEAR_CORRECTION
from qwop_wr.simulator.exact.layout import (
    ANGLE,
    AWAKE,
    BODY_A,
    BODY_B,
    BODY_FIELDS,
    CONTACT_FIELDS,
    CONTACT_ORDER,
    CONTACTS,
    COSINE,
    FIRST_PART,
    FLIPPED,
    KNOWN_SLOTS,
    MANIFOLD_FIELDS,
    MANIFOLDS,
    MAX_RANKS,
    N_BODIES,
    N_CONTACTS,
    N_POINTS,
    N_SLOTS,
    NORMAL,
    NORMAL_IMPULSES,
    SINE,
    SLOT_BODIES,
    SLOT_FIELDS,
    SLOT_GAMES,
    SLOT_NUMBERS,
    SLOT_RECORDS,
    SLOTS,
    SPIN,
    TOUCHING,
    VX,
    VY,
    X,
    Y,
)
from qwop_wr.simulator.exact.narrow_phase import RADIUS, TOTAL_RADIUS
from qwop_wr.simulator.exact.primitives import (
    Pointer,
    Real,
    Truth,
    Whole,
    bits_of,
    get,
    lane_of,
    put,
    select,
)
from qwop_wr.simulator.exact.simd import LANES
from qwop_wr.simulator.exact.tables import (
    FRICTION,
    INERTIA_RATIO,
    INVERSE_INERTIA,
    INVERSE_MASS,
    MASS_RATIO,
)
from qwop_wr.simulator.exact.trigonometry import sine_cosine

# Fields of a slot. The first are copied from the contact, the rest computed.
GROUND_X, GROUND_Y, FLIP, COUNT = range(4)
LOCAL_NORMAL: Final = 4
LOCAL_PLANE: Final = 6
LOCAL_POINTS: Final = 8
IMPULSES: Final = 12
FRICTIONS: Final = 14
COPIED_FIELDS: Final = 16
NORMAL_X, NORMAL_Y, TWO, K11, K12, K22, M11, M12, M22, FIRST_POINT = range(16, 26)
ARM_X, ARM_Y, NORMAL_MASS, TANGENT_MASS, EQUALIZED_MASS, POINT_FIELDS = range(6)
SECOND_POINT: Final = FIRST_POINT + POINT_FIELDS


@compiled
def _n_points(two: Truth) -> int:
    # Enough for the lane that has most.
    return 1 if bits_of(two) == 0 else 2


@compiled
def _prepare_point(
    lane: Pointer, work: Pointer, slot: int, index: int, body: int, face: tuple[Real, Real, Real]
) -> None:
    flipped, plane_x, plane_y = face
    field = body * BODY_FIELDS
    x, y = get(lane, field + X), get(lane, field + Y)
    sine, cosine = get(lane, field + SINE), get(lane, field + COSINE)
    local_x = get(work, slot + LOCAL_POINTS + 2 * index)
    local_y = get(work, slot + LOCAL_POINTS + 2 * index + 1)
    point_x = select(
        flipped, get(work, slot + GROUND_X) + local_x, x + cosine * local_x - sine * local_y
    )
    point_y = select(
        flipped, get(work, slot + GROUND_Y) + local_y, y + sine * local_x + cosine * local_y
    )
    normal_x, normal_y = get(work, slot + NORMAL_X), get(work, slot + NORMAL_Y)
    depth = RADIUS - (point_x - plane_x) * normal_x - (point_y - plane_y) * normal_y - RADIUS
    arm_x = (point_x + 0.5 * depth * normal_x) - x
    arm_y = (point_y + 0.5 * depth * normal_y) - y
    point = slot + FIRST_POINT + index * POINT_FIELDS
    put(work, point + ARM_X, arm_x)
    put(work, point + ARM_Y, arm_y)
    across = arm_x * normal_y - arm_y * normal_x
    across = across * across
    along = arm_x * normal_x + arm_y * normal_y
    along = along * along
    mass, inertia = INVERSE_MASS[body], INVERSE_INERTIA[body]
    put(work, point + NORMAL_MASS, 1.0 / (mass + inertia * across))
    put(work, point + TANGENT_MASS, 1.0 / (mass + inertia * along))
    put(work, point + EQUALIZED_MASS, 1.0 / (MASS_RATIO[body] + INERTIA_RATIO[body] * across))


@compiled
def _prepare_block(work: Pointer, slot: int, body: int, two: Truth) -> Truth:
    mass, inertia = INVERSE_MASS[body], INVERSE_INERTIA[body]
    normal_x, normal_y = get(work, slot + NORMAL_X), get(work, slot + NORMAL_Y)
    one, other = slot + FIRST_POINT, slot + SECOND_POINT
    across1 = get(work, one + ARM_X) * normal_y - get(work, one + ARM_Y) * normal_x
    across2 = get(work, other + ARM_X) * normal_y - get(work, other + ARM_Y) * normal_x
    k11 = mass + inertia * across1 * across1
    k22 = mass + inertia * across2 * across2
    k12 = mass + inertia * across1 * across2
    determinant = k11 * k22 - k12 * k12
    two = two & (k11 * k11 < MAX_CONDITION * determinant)
    inverse = 1.0 / select(two, determinant, 1.0)
    put(work, slot + K11, k11)
    put(work, slot + K12, k12)
    put(work, slot + K22, k22)
    put(work, slot + M11, inverse * k22)
    put(work, slot + M12, -inverse * k12)
    put(work, slot + M22, inverse * k11)
    return two


@compiled
def prepare_slot(lane: Pointer, work: Pointer, slot: int, body: int) -> None:
    """Computes the effective masses of a slot whose copied fields are filled."""
    field = body * BODY_FIELDS
    x, y = get(lane, field + X), get(lane, field + Y)
    sine, cosine = get(lane, field + SINE), get(lane, field + COSINE)
    flipped = get(work, slot + FLIP) > 0.0
    local_x, local_y = get(work, slot + LOCAL_NORMAL), get(work, slot + LOCAL_NORMAL + 1)
    put(work, slot + NORMAL_X, select(flipped, cosine * local_x - sine * local_y, local_x))
    put(work, slot + NORMAL_Y, select(flipped, sine * local_x + cosine * local_y, local_y))
    local_x, local_y = get(work, slot + LOCAL_PLANE), get(work, slot + LOCAL_PLANE + 1)
    plane_x = select(
        flipped, x + cosine * local_x - sine * local_y, get(work, slot + GROUND_X) + local_x
    )
    plane_y = select(
        flipped, y + sine * local_x + cosine * local_y, get(work, slot + GROUND_Y) + local_y
    )
    two = get(work, slot + COUNT) > 1.0
    for index in range(_n_points(two)):
        _prepare_point(lane, work, slot, index, body, (flipped, plane_x, plane_y))
    normal_x, normal_y = get(work, slot + NORMAL_X), get(work, slot + NORMAL_Y)
    put(work, slot + NORMAL_X, select(flipped, -normal_x, normal_x))
    put(work, slot + NORMAL_Y, select(flipped, -normal_y, normal_y))
    if bits_of(two) != 0:
        two = _prepare_block(work, slot, body, two)
    put(work, slot + TWO, select(two, 1.0, 0.0))
    # A second point that is dropped takes no part; the contact keeps its impulses.
    put(work, slot + IMPULSES + 1, select(two, get(work, slot + IMPULSES + 1), 0.0))
    put(work, slot + FRICTIONS + 1, select(two, get(work, slot + FRICTIONS + 1), 0.0))


@compiled
def _push(lane: Pointer, work: Pointer, point: int, body: int, push_x: Real, push_y: Real) -> None:
    field = body * BODY_FIELDS
    turn = get(work, point + ARM_X) * push_y - get(work, point + ARM_Y) * push_x
    put(lane, field + SPIN, get(lane, field + SPIN) + INVERSE_INERTIA[body] * turn)
    put(lane, field + VX, get(lane, field + VX) + INVERSE_MASS[body] * push_x)
    put(lane, field + VY, get(lane, field + VY) + INVERSE_MASS[body] * push_y)


@compiled
def _warm_start_point(lane: Pointer, work: Pointer, slot: int, index: int, body: int) -> None:
    normal_x, normal_y = get(work, slot + NORMAL_X), get(work, slot + NORMAL_Y)
    impulse = get(work, slot + IMPULSES + index)
    friction = get(work, slot + FRICTIONS + index)
    _push(
        lane,
        work,
        slot + FIRST_POINT + index * POINT_FIELDS,
        body,
        impulse * normal_x + friction * normal_y,
        impulse * normal_y - friction * normal_x,
    )


@compiled
def warm_start_slot(lane: Pointer, work: Pointer, slot: int, body: int) -> None:
    """Applies the impulses of the step before."""
    for index in range(_n_points(get(work, slot + TWO) > 0.0)):
        _warm_start_point(lane, work, slot, index, body)


@compiled
def _solve_friction(lane: Pointer, work: Pointer, slot: int, index: int, body: int) -> None:
    field, point = body * BODY_FIELDS, slot + FIRST_POINT + index * POINT_FIELDS
    tangent_x, tangent_y = get(work, slot + NORMAL_Y), -get(work, slot + NORMAL_X)
    spin = get(lane, field + SPIN)
    velocity_x = get(lane, field + VX) - spin * get(work, point + ARM_Y)
    velocity_y = get(lane, field + VY) + spin * get(work, point + ARM_X)
    along = velocity_x * tangent_x + velocity_y * tangent_y
    # The friction of tiles and block is the same.
    most = FRICTION[body] * get(work, slot + IMPULSES + index)
    old = get(work, slot + FRICTIONS + index)
    new = old + get(work, point + TANGENT_MASS) * -along
    new = select(new < -most, -most, select(new > most, most, new))
    put(work, slot + FRICTIONS + index, new)
    change = new - old
    _push(lane, work, point, body, change * tangent_x, change * tangent_y)


@compiled
def _normal_velocity(lane: Pointer, work: Pointer, slot: int, point: int, body: int) -> Real:
    field = body * BODY_FIELDS
    spin = get(lane, field + SPIN)
    velocity_x = get(lane, field + VX) - spin * get(work, point + ARM_Y)
    velocity_y = get(lane, field + VY) + spin * get(work, point + ARM_X)
    return velocity_x * get(work, slot + NORMAL_X) + velocity_y * get(work, slot + NORMAL_Y)


@compiled
def _solve_block(work: Pointer, slot: int, velocity1: Real, velocity2: Real) -> tuple[Real, Real]:
    old1, old2 = get(work, slot + IMPULSES), get(work, slot + IMPULSES + 1)
    k12, m12 = get(work, slot + K12), get(work, slot + M12)
    b1 = velocity1 - (get(work, slot + K11) * old1 + k12 * old2)
    b2 = velocity2 - (k12 * old1 + get(work, slot + K22) * old2)
    both1 = -(get(work, slot + M11) * b1 + m12 * b2)
    both2 = -(m12 * b1 + get(work, slot + M22) * b2)
    only1 = -get(work, slot + FIRST_POINT + NORMAL_MASS) * b1
    only2 = -get(work, slot + SECOND_POINT + NORMAL_MASS) * b2
    is_both = (both1 >= 0.0) & (both2 >= 0.0)
    is_only1 = (only1 >= 0.0) & (k12 * only1 + b2 >= 0.0)
    is_only2 = (only2 >= 0.0) & (k12 * only2 + b1 >= 0.0)
    is_none = (b1 >= 0.0) & (b2 >= 0.0)
    new1 = select(is_only2 | is_none, 0.0, old1)
    new2 = select(is_only2, only2, select(is_none, 0.0, old2))
    new1 = select(is_both, both1, select(is_only1, only1, new1))
    new2 = select(is_both, both2, select(is_only1, 0.0, new2))
    return new1, new2


@compiled
def solve_slot_velocity(lane: Pointer, work: Pointer, slot: int, body: int) -> None:
    """Runs one velocity iteration of a slot: friction, then the normal impulses."""
    two = get(work, slot + TWO) > 0.0
    for index in range(_n_points(two)):
        _solve_friction(lane, work, slot, index, body)
    if bits_of(two) == 0:
        _solve_single(lane, work, slot, body)
        return
    one, other = slot + FIRST_POINT, slot + SECOND_POINT
    velocity1 = _normal_velocity(lane, work, slot, one, body)
    velocity2 = _normal_velocity(lane, work, slot, other, body)
    old1, old2 = get(work, slot + IMPULSES), get(work, slot + IMPULSES + 1)
    single = old1 + -get(work, one + NORMAL_MASS) * velocity1
    new1, new2 = _solve_block(work, slot, velocity1, velocity2)
    new1 = select(two, new1, select(single > 0.0, single, 0.0))
    new2 = select(two, new2, 0.0)
    put(work, slot + IMPULSES, new1)
    put(work, slot + IMPULSES + 1, new2)
    normal_x, normal_y = get(work, slot + NORMAL_X), get(work, slot + NORMAL_Y)
    change1, change2 = new1 - old1, new2 - old2
    x1, y1 = change1 * normal_x, change1 * normal_y
    x2, y2 = change2 * normal_x, change2 * normal_y
    field = body * BODY_FIELDS
    turn = (
        get(work, one + ARM_X) * y1
        - get(work, one + ARM_Y) * x1
        + get(work, other + ARM_X) * y2
        - get(work, other + ARM_Y) * x2
    )
    put(lane, field + VX, get(lane, field + VX) + INVERSE_MASS[body] * (x1 + x2))
    put(lane, field + VY, get(lane, field + VY) + INVERSE_MASS[body] * (y1 + y2))
    put(lane, field + SPIN, get(lane, field + SPIN) + INVERSE_INERTIA[body] * turn)


@compiled
def _solve_single(lane: Pointer, work: Pointer, slot: int, body: int) -> None:
    point = slot + FIRST_POINT
    old = get(work, slot + IMPULSES)
    velocity = _normal_velocity(lane, work, slot, point, body)
    new = old + -get(work, point + NORMAL_MASS) * velocity
    new = select(new > 0.0, new, 0.0)
    put(work, slot + IMPULSES, new)
    change = new - old
    _push(
        lane,
        work,
        point,
        body,
        change * get(work, slot + NORMAL_X),
        change * get(work, slot + NORMAL_Y),
    )


@compiled
def clear_slots(found: Pointer) -> None:
    """Forgets all slots."""
    found[N_SLOTS] = 0
    for rank in range(MAX_RANKS):
        found[KNOWN_SLOTS + rank] = 0


@compiled
def _slot_of(work: Pointer, found: Pointer, body: int, rank: int) -> Whole:
    number = SLOT_NUMBERS + rank * N_BODIES + body
    if (found[KNOWN_SLOTS + rank] >> body) & 1:
        return found[number]
    found[KNOWN_SLOTS + rank] |= 1 << body
    slot = found[N_SLOTS]
    found[N_SLOTS] = slot + 1
    found[number] = slot
    found[SLOT_BODIES + slot] = body
    found[SLOT_GAMES + slot] = 0
    for field in range(COPIED_FIELDS):
        put(work, SLOTS + slot * SLOT_FIELDS + field, 0.0)
    return slot


@compiled
def fill_slots(
    lane: Pointer, reals: Pointer, integers: Pointer, work: Pointer, found: Pointer, game: int
) -> None:
    """Puts a game's touching contacts into slots, newest first."""
    ranks = 0
    mine = lane_of(work, game)
    for place in range(integers[N_CONTACTS] - 1, -1, -1):
        record = integers[CONTACT_ORDER + place]
        contact = CONTACTS + record * CONTACT_FIELDS
        ground, body = integers[contact + BODY_A], integers[contact + BODY_B]
        if integers[contact + TOUCHING] == 0 or body < FIRST_PART:
            continue
        integers[AWAKE] |= 1 << ground
        rank = (ranks >> (3 * body)) & 7
        ranks += 1 << (3 * body)
        number = _slot_of(work, found, body, rank)
        found[SLOT_GAMES + number] |= 1 << game
        found[SLOT_RECORDS + number * LANES + game] = record
        slot = SLOTS + number * SLOT_FIELDS
        manifold = MANIFOLDS + record * MANIFOLD_FIELDS
        put(mine, slot + GROUND_X, get(lane, ground * BODY_FIELDS + X))
        put(mine, slot + GROUND_Y, get(lane, ground * BODY_FIELDS + Y))
        put(mine, slot + FLIP, 1.0 * integers[contact + FLIPPED])
        put(mine, slot + COUNT, 1.0 * integers[contact + N_POINTS])
        for field in range(MANIFOLD_FIELDS):
            put(mine, slot + LOCAL_NORMAL + field, reals[manifold + NORMAL + field])


@compiled
def store_slots(reals: Pointer, work: Pointer, found: Pointer, game: int) -> None:
    """Keeps a game's impulses for the next step."""
    mine = lane_of(work, game)
    for number in range(found[N_SLOTS]):
        if (found[SLOT_GAMES + number] >> game) & 1 == 0:
            continue
        slot = SLOTS + number * SLOT_FIELDS
        record = found[SLOT_RECORDS + number * LANES + game]
        manifold = MANIFOLDS + record * MANIFOLD_FIELDS
        count = 2 if get(mine, slot + TWO) > 0.0 else 1
        for point in range(count):
            reals[manifold + NORMAL_IMPULSES + point] = get(mine, slot + IMPULSES + point)
            reals[manifold + NORMAL_IMPULSES + 2 + point] = get(mine, slot + FRICTIONS + point)


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
