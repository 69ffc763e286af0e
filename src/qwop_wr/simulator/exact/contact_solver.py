"""Contacts of any two bodies, one after the other: the general case.

Contacts between a part and the ground, which is nearly all of them, have
their own solver in ``ground_contacts``; this one also knows two moving bodies.
Restitution is zero for every pair, so the velocity bias is left out.
"""

from typing import Final

from qwop_wr.simulator.constants import LINEAR_SLOP
from qwop_wr.simulator.exact.compilation import compiled
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
    N_BODIES,
    N_POINTS,
    NORMAL,
    NORMAL_IMPULSES,
    PLANE,
    POINTS,
    SINE,
    SPIN,
    TANGENT_IMPULSES,
    VX,
    VY,
    X,
    Y,
)
from qwop_wr.simulator.exact.narrow_phase import TOTAL_RADIUS, world_normal, world_point
from qwop_wr.simulator.exact.primitives import Pointer, get, put
from qwop_wr.simulator.exact.tables import (
    FRICTION,
    INERTIA_RATIO,
    INVERSE_INERTIA,
    INVERSE_MASS,
    MASS_RATIO,
)
from qwop_wr.simulator.exact.trigonometry import sine_cosine

MAX_CONDITION: Final = 100.0
MAX_LINEAR_CORRECTION: Final = 0.2

# Fields of a constraint in the workspace.
RECORD, COUNT, NORMAL_X, NORMAL_Y, K11, K12, K22, M11, M12, M22, FIRST_POINT = range(11)
RAX, RAY, RBX, RBY, NORMAL_MASS, TANGENT_MASS, EQUALIZED_MASS = range(7)
NORMAL_IMPULSE, TANGENT_IMPULSE, POINT_FIELDS = range(7, 10)


@compiled
def _prepare_point(
    lane: Pointer, work: Pointer, constraint: int, point: int, a: int, b: int, x: float, y: float
) -> None:
    field_a, field_b = a * BODY_FIELDS, b * BODY_FIELDS
    normal_x, normal_y = work[constraint + NORMAL_X], work[constraint + NORMAL_Y]
    mass_a, mass_b = INVERSE_MASS[a], INVERSE_MASS[b]
    inertia_a, inertia_b = INVERSE_INERTIA[a], INVERSE_INERTIA[b]
    rax, ray = x - get(lane, field_a + X), y - get(lane, field_a + Y)
    rbx, rby = x - get(lane, field_b + X), y - get(lane, field_b + Y)
    work[point + RAX] = rax
    work[point + RAY] = ray
    work[point + RBX] = rbx
    work[point + RBY] = rby
    arm_a = rax * normal_y - ray * normal_x
    arm_b = rbx * normal_y - rby * normal_x
    arm_a *= arm_a
    arm_b *= arm_b
    work[point + NORMAL_MASS] = 1.0 / (((mass_a + mass_b) + inertia_a * arm_a) + inertia_b * arm_b)
    work[point + EQUALIZED_MASS] = 1.0 / (
        (MASS_RATIO[a] + MASS_RATIO[b]) + (INERTIA_RATIO[a] * arm_a + INERTIA_RATIO[b] * arm_b)
    )
    arm_a = rax * -normal_x - ray * normal_y
    arm_b = rbx * -normal_x - rby * normal_y
    arm_a *= arm_a
    arm_b *= arm_b
    work[point + TANGENT_MASS] = 1.0 / (((mass_a + mass_b) + inertia_a * arm_a) + inertia_b * arm_b)


@compiled
def _prepare_block(work: Pointer, constraint: int, a: int, b: int) -> None:
    mass = INVERSE_MASS[a] + INVERSE_MASS[b]
    inertia_a, inertia_b = INVERSE_INERTIA[a], INVERSE_INERTIA[b]
    normal_x, normal_y = work[constraint + NORMAL_X], work[constraint + NORMAL_Y]
    one, two = constraint + FIRST_POINT, constraint + FIRST_POINT + POINT_FIELDS
    a1 = work[one + RAX] * normal_y - work[one + RAY] * normal_x
    b1 = work[one + RBX] * normal_y - work[one + RBY] * normal_x
    a2 = work[two + RAX] * normal_y - work[two + RAY] * normal_x
    b2 = work[two + RBX] * normal_y - work[two + RBY] * normal_x
    k11 = (mass + inertia_a * a1 * a1) + inertia_b * b1 * b1
    k22 = (mass + inertia_a * a2 * a2) + inertia_b * b2 * b2
    k12 = (mass + inertia_a * a1 * a2) + inertia_b * b1 * b2
    determinant = k11 * k22 - k12 * k12
    if k11 * k11 < MAX_CONDITION * determinant:
        inverse = 1.0 / determinant
        work[constraint + K11] = k11
        work[constraint + K12] = k12
        work[constraint + K22] = k22
        work[constraint + M11] = inverse * k22
        work[constraint + M12] = -inverse * k12
        work[constraint + M22] = inverse * k11
    else:
        work[constraint + COUNT] = 1.0


@compiled
def prepare_contact(
    lane: Pointer, reals: Pointer, integers: Pointer, work: Pointer, constraint: int, record: int
) -> None:
    """Computes a contact's effective masses from where its bodies are."""
    contact = CONTACTS + record * CONTACT_FIELDS
    manifold = MANIFOLDS + record * MANIFOLD_FIELDS
    a, b = integers[contact + BODY_A], integers[contact + BODY_B]
    face = world_normal(lane, reals, integers, contact, manifold)
    sign = -1.0 if integers[contact + FLIPPED] else 1.0
    count = integers[contact + N_POINTS]
    work[constraint + RECORD] = record
    work[constraint + COUNT] = count
    work[constraint + NORMAL_X] = sign * face[0]
    work[constraint + NORMAL_Y] = sign * face[1]
    for index in range(count):
        point = constraint + FIRST_POINT + index * POINT_FIELDS
        x, y = world_point(lane, reals, integers, contact, manifold, index, face)
        _prepare_point(lane, work, constraint, point, a, b, x, y)
        work[point + NORMAL_IMPULSE] = reals[manifold + NORMAL_IMPULSES + index]
        work[point + TANGENT_IMPULSE] = reals[manifold + TANGENT_IMPULSES + index]
    if count == 2:
        _prepare_block(work, constraint, a, b)


@compiled
def _bodies(integers: Pointer, work: Pointer, constraint: int) -> tuple[int, int]:
    contact = CONTACTS + int(work[constraint + RECORD]) * CONTACT_FIELDS
    return integers[contact + BODY_A], integers[contact + BODY_B]


@compiled
def _push(
    lane: Pointer, work: Pointer, point: int, a: int, b: int, push_x: float, push_y: float
) -> None:
    field_a, field_b = a * BODY_FIELDS, b * BODY_FIELDS
    put(
        lane,
        field_a + SPIN,
        get(lane, field_a + SPIN)
        - INVERSE_INERTIA[a] * (work[point + RAX] * push_y - work[point + RAY] * push_x),
    )
    put(lane, field_a + VX, get(lane, field_a + VX) - INVERSE_MASS[a] * push_x)
    put(lane, field_a + VY, get(lane, field_a + VY) - INVERSE_MASS[a] * push_y)
    put(
        lane,
        field_b + SPIN,
        get(lane, field_b + SPIN)
        + INVERSE_INERTIA[b] * (work[point + RBX] * push_y - work[point + RBY] * push_x),
    )
    put(lane, field_b + VX, get(lane, field_b + VX) + INVERSE_MASS[b] * push_x)
    put(lane, field_b + VY, get(lane, field_b + VY) + INVERSE_MASS[b] * push_y)


@compiled
def warm_start_contact(lane: Pointer, integers: Pointer, work: Pointer, constraint: int) -> None:
    """Applies the impulses of the step before."""
    a, b = _bodies(integers, work, constraint)
    normal_x, normal_y = work[constraint + NORMAL_X], work[constraint + NORMAL_Y]
    for index in range(int(work[constraint + COUNT])):
        point = constraint + FIRST_POINT + index * POINT_FIELDS
        normal, tangent = work[point + NORMAL_IMPULSE], work[point + TANGENT_IMPULSE]
        push_x = normal * normal_x + tangent * normal_y
        push_y = normal * normal_y + tangent * -normal_x
        _push(lane, work, point, a, b, push_x, push_y)


@compiled
def _approach(lane: Pointer, work: Pointer, point: int, a: int, b: int) -> tuple[float, float]:
    field_a, field_b = a * BODY_FIELDS, b * BODY_FIELDS
    spin_a, spin_b = get(lane, field_a + SPIN), get(lane, field_b + SPIN)
    return (
        get(lane, field_b + VX)
        - spin_b * work[point + RBY]
        - get(lane, field_a + VX)
        + spin_a * work[point + RAY],
        get(lane, field_b + VY)
        + spin_b * work[point + RBX]
        - get(lane, field_a + VY)
        - spin_a * work[point + RAX],
    )


@compiled
def _solve_friction(
    lane: Pointer, work: Pointer, constraint: int, point: int, a: int, b: int
) -> None:
    tangent_x, tangent_y = work[constraint + NORMAL_Y], -work[constraint + NORMAL_X]
    velocity_x, velocity_y = _approach(lane, work, point, a, b)
    along = velocity_x * tangent_x + velocity_y * tangent_y
    most = FRICTION[a * N_BODIES + b] * work[point + NORMAL_IMPULSE]
    old = work[point + TANGENT_IMPULSE]
    new = old + work[point + TANGENT_MASS] * -along
    new = -most if new < -most else (most if new > most else new)
    change = new - old
    _push(lane, work, point, a, b, change * tangent_x, change * tangent_y)
    work[point + TANGENT_IMPULSE] = new


@compiled
def _solve_block(
    lane: Pointer, work: Pointer, constraint: int, a: int, b: int
) -> tuple[bool, float, float]:
    one, two = constraint + FIRST_POINT, constraint + FIRST_POINT + POINT_FIELDS
    normal_x, normal_y = work[constraint + NORMAL_X], work[constraint + NORMAL_Y]
    old1, old2 = work[one + NORMAL_IMPULSE], work[two + NORMAL_IMPULSE]
    x, y = _approach(lane, work, one, a, b)
    b1 = x * normal_x + y * normal_y
    x, y = _approach(lane, work, two, a, b)
    b2 = x * normal_x + y * normal_y
    k12 = work[constraint + K12]
    b1 -= work[constraint + K11] * old1 + k12 * old2
    b2 -= k12 * old1 + work[constraint + K22] * old2
    m12 = work[constraint + M12]
    new1 = -(work[constraint + M11] * b1 + m12 * b2)
    new2 = -(m12 * b1 + work[constraint + M22] * b2)
    if new1 >= 0.0 and new2 >= 0.0:
        return True, new1, new2
    new1 = -work[one + NORMAL_MASS] * b1
    if new1 >= 0.0 and k12 * new1 + b2 >= 0.0:
        return True, new1, 0.0
    new2 = -work[two + NORMAL_MASS] * b2
    if new2 >= 0.0 and k12 * new2 + b1 >= 0.0:
        return True, 0.0, new2
    if b1 >= 0.0 and b2 >= 0.0:
        return True, 0.0, 0.0
    return False, old1, old2


@compiled
def _push_block(
    lane: Pointer, work: Pointer, constraint: int, a: int, b: int, new1: float, new2: float
) -> None:
    one, two = constraint + FIRST_POINT, constraint + FIRST_POINT + POINT_FIELDS
    normal_x, normal_y = work[constraint + NORMAL_X], work[constraint + NORMAL_Y]
    change1 = new1 - work[one + NORMAL_IMPULSE]
    change2 = new2 - work[two + NORMAL_IMPULSE]
    x1, y1 = change1 * normal_x, change1 * normal_y
    x2, y2 = change2 * normal_x, change2 * normal_y
    field_a, field_b = a * BODY_FIELDS, b * BODY_FIELDS
    put(lane, field_a + VX, get(lane, field_a + VX) - INVERSE_MASS[a] * (x1 + x2))
    put(lane, field_a + VY, get(lane, field_a + VY) - INVERSE_MASS[a] * (y1 + y2))
    turn_a = work[one + RAX] * y1 - work[one + RAY] * x1
    turn_a = (turn_a + work[two + RAX] * y2) - work[two + RAY] * x2
    put(lane, field_a + SPIN, get(lane, field_a + SPIN) - INVERSE_INERTIA[a] * turn_a)
    put(lane, field_b + VX, get(lane, field_b + VX) + INVERSE_MASS[b] * (x1 + x2))
    put(lane, field_b + VY, get(lane, field_b + VY) + INVERSE_MASS[b] * (y1 + y2))
    turn_b = work[one + RBX] * y1 - work[one + RBY] * x1
    turn_b = (turn_b + work[two + RBX] * y2) - work[two + RBY] * x2
    put(lane, field_b + SPIN, get(lane, field_b + SPIN) + INVERSE_INERTIA[b] * turn_b)
    work[one + NORMAL_IMPULSE] = new1
    work[two + NORMAL_IMPULSE] = new2


@compiled
def solve_contact_velocity(
    lane: Pointer, integers: Pointer, work: Pointer, constraint: int
) -> None:
    """Runs one velocity iteration of a contact: friction, then the normal impulses."""
    a, b = _bodies(integers, work, constraint)
    count = int(work[constraint + COUNT])
    point = constraint + FIRST_POINT
    for index in range(count):
        _solve_friction(lane, work, constraint, point + index * POINT_FIELDS, a, b)
    if count == 2:
        solved, new1, new2 = _solve_block(lane, work, constraint, a, b)
        if solved:
            _push_block(lane, work, constraint, a, b, new1, new2)
        return
    normal_x, normal_y = work[constraint + NORMAL_X], work[constraint + NORMAL_Y]
    x, y = _approach(lane, work, point, a, b)
    old = work[point + NORMAL_IMPULSE]
    new = old + -work[point + NORMAL_MASS] * (x * normal_x + y * normal_y)
    new = new if new > 0.0 else 0.0
    change = new - old
    _push(lane, work, point, a, b, change * normal_x, change * normal_y)
    work[point + NORMAL_IMPULSE] = new


@compiled
def store_contact(reals: Pointer, work: Pointer, constraint: int) -> None:
    """Keeps a contact's impulses for the next step's warm start."""
    manifold = MANIFOLDS + int(work[constraint + RECORD]) * MANIFOLD_FIELDS
    for index in range(int(work[constraint + COUNT])):
        point = constraint + FIRST_POINT + index * POINT_FIELDS
        reals[manifold + NORMAL_IMPULSES + index] = work[point + NORMAL_IMPULSE]
        reals[manifold + TANGENT_IMPULSES + index] = work[point + TANGENT_IMPULSE]


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
