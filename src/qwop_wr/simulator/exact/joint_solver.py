"""Revolute joints, in the form of the first Box2D: accumulated forces, one axis at a time.

Every function works on one game or on eight, by the kind of the pointer.
Products are associated as in the original; another order is another run.
"""

from typing import Final

from qwop_wr.simulator.constants import LINEAR_SLOP, TIME_STEP
from qwop_wr.simulator.exact.compilation import compiled
from qwop_wr.simulator.exact.layout import (
    ANGLE,
    AT_LOWER,
    AT_UPPER,
    BODY_FIELDS,
    COSINE,
    EQUAL,
    FORCE_X,
    FORCE_Y,
    INACTIVE,
    JOINT_FIELDS,
    JOINTS,
    LIMIT,
    LIMIT_STATE,
    LOWER,
    MOTOR,
    MOTOR_SPEED,
    SINE,
    SPIN,
    UPPER,
    VX,
    VY,
    X,
    Y,
)
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
from qwop_wr.simulator.exact.tables import (
    ANCHOR_AX,
    ANCHOR_AY,
    ANCHOR_BX,
    ANCHOR_BY,
    ANGULAR_MASS,
    ANGULAR_RATE,
    HAS_MOTOR,
    INERTIA_A,
    INERTIA_B,
    JOINT,
    JOINT_A,
    JOINT_B,
    JOINT_COLUMNS,
    MASS_A,
    MASS_B,
    MASS_SUM,
    MAX_TORQUE,
    REFERENCE,
    STEP_INERTIA_A,
    STEP_INERTIA_B,
    STEP_MASS_A,
    STEP_MASS_B,
)
from qwop_wr.simulator.exact.trigonometry import sines_cosines

ANGULAR_SLOP: Final = 0.03490658503988659
MAX_ANGULAR_CORRECTION: Final = 0.13962634015954636
STEP_RATE: Final = 1.0 / TIME_STEP

# Fields of a prepared joint in its workspace: arms and inverse mass matrix.
ARM_AX, ARM_AY, ARM_BX, ARM_BY, M11, M12, M22 = range(7)


@compiled
def _turned(lane: Pointer, body: int, x: float, y: float) -> tuple[Real, Real]:
    sine, cosine = get(lane, body + SINE), get(lane, body + COSINE)
    return cosine * x - sine * y, sine * x + cosine * y


@compiled
def _stiffness(
    constants: int, ax: Real, ay: Real, bx: Real, by: Real
) -> tuple[Real, Real, Real, Real]:
    inertia_a, inertia_b = JOINT[constants + INERTIA_A], JOINT[constants + INERTIA_B]
    mass = JOINT[constants + MASS_SUM]
    turn_ax, turn_bx = inertia_a * ax, inertia_b * bx
    k11 = (mass + inertia_a * ay * ay) + inertia_b * by * by
    k12 = -(turn_ax * ay) - turn_bx * by
    k22 = (mass + turn_ax * ax) + turn_bx * bx
    return k11, k12, k22, 1.0 / (k11 * k22 - k12 * k12)


@compiled
def _limit_state(lane: Pointer, joint: int, angle: Real) -> Real:
    lower, upper = get(lane, joint + LOWER), get(lane, joint + UPPER)
    state = select(angle <= lower, AT_LOWER, select(angle >= upper, AT_UPPER, INACTIVE))
    return select(absolute(upper - lower) < 2.0 * ANGULAR_SLOP, EQUAL, state)


@compiled
def _kept_limit(lane: Pointer, joint: int, state: Real) -> Real:
    # Forces of equal limits are kept whatever the state was; others only while
    # the state lasts.
    old = get(lane, joint + LIMIT_STATE)
    lasting = (state <= old) & (state >= old) & (state > INACTIVE)
    return select(lasting | (state >= EQUAL), get(lane, joint + LIMIT), 0.0)


@compiled
def prepare_joint(lane: Pointer, arms: Pointer, number: int) -> None:
    """Computes a joint's arms, mass matrix and limit state, and applies last step's forces."""
    constants = number * JOINT_COLUMNS
    joint = JOINTS + number * JOINT_FIELDS
    a, b = JOINT_A[number] * BODY_FIELDS, JOINT_B[number] * BODY_FIELDS
    ax, ay = _turned(lane, a, JOINT[constants + ANCHOR_AX], JOINT[constants + ANCHOR_AY])
    bx, by = _turned(lane, b, JOINT[constants + ANCHOR_BX], JOINT[constants + ANCHOR_BY])
    k11, k12, k22, inverse = _stiffness(constants, ax, ay, bx, by)
    put(arms, ARM_AX, ax)
    put(arms, ARM_AY, ay)
    put(arms, ARM_BX, bx)
    put(arms, ARM_BY, by)
    put(arms, M11, inverse * k22)
    put(arms, M12, -inverse * k12)
    put(arms, M22, inverse * k11)

    angle = get(lane, b + ANGLE) - get(lane, a + ANGLE) - JOINT[constants + REFERENCE]
    state = _limit_state(lane, joint, angle)
    limit = _kept_limit(lane, joint, state)
    put(lane, joint + LIMIT_STATE, state)
    put(lane, joint + LIMIT, limit)

    x, y = get(lane, joint + FORCE_X), get(lane, joint + FORCE_Y)
    motor = get(lane, joint + MOTOR)
    mass_a, mass_b = JOINT[constants + STEP_MASS_A], JOINT[constants + STEP_MASS_B]
    turn_a = ((ax * y - ay * x) + motor) + limit
    turn_b = ((bx * y - by * x) + motor) + limit
    put(lane, a + VX, get(lane, a + VX) - mass_a * x)
    put(lane, a + VY, get(lane, a + VY) - mass_a * y)
    put(lane, a + SPIN, get(lane, a + SPIN) - JOINT[constants + STEP_INERTIA_A] * turn_a)
    put(lane, b + VX, get(lane, b + VX) + mass_b * x)
    put(lane, b + VY, get(lane, b + VY) + mass_b * y)
    put(lane, b + SPIN, get(lane, b + SPIN) + JOINT[constants + STEP_INERTIA_B] * turn_b)


@compiled
def _clamped(number: Real, lower: float, upper: float) -> Real:
    return select(number < lower, lower, select(number > upper, upper, number))


@compiled
def _of_right_sign(state: Real, total: Real) -> Real:
    at_lower = select(total > 0.0, total, 0.0)
    at_upper = select(total < 0.0, total, 0.0)
    return select(state >= EQUAL, total, select(state >= AT_UPPER, at_upper, at_lower))


@compiled
def solve_joint_velocity(lane: Pointer, arms: Pointer, number: int) -> None:
    """Runs one velocity iteration of a prepared joint: pivot, then motor, then limit."""
    constants = number * JOINT_COLUMNS
    joint = JOINTS + number * JOINT_FIELDS
    a, b = JOINT_A[number] * BODY_FIELDS, JOINT_B[number] * BODY_FIELDS
    ax, ay = get(arms, ARM_AX), get(arms, ARM_AY)
    bx, by = get(arms, ARM_BX), get(arms, ARM_BY)
    vax, vay, spin_a = get(lane, a + VX), get(lane, a + VY), get(lane, a + SPIN)
    vbx, vby, spin_b = get(lane, b + VX), get(lane, b + VY), get(lane, b + SPIN)
    apart_x = vbx - spin_b * by - vax + spin_a * ay
    apart_y = vby + spin_b * bx - vay - spin_a * ax
    x = -STEP_RATE * (get(arms, M11) * apart_x + get(arms, M12) * apart_y)
    y = -STEP_RATE * (get(arms, M12) * apart_x + get(arms, M22) * apart_y)
    put(lane, joint + FORCE_X, get(lane, joint + FORCE_X) + x)
    put(lane, joint + FORCE_Y, get(lane, joint + FORCE_Y) + y)
    x = TIME_STEP * x
    y = TIME_STEP * y
    put(lane, a + VX, vax - JOINT[constants + MASS_A] * x)
    put(lane, a + VY, vay - JOINT[constants + MASS_A] * y)
    put(lane, b + VX, vbx + JOINT[constants + MASS_B] * x)
    put(lane, b + VY, vby + JOINT[constants + MASS_B] * y)
    spin_a = spin_a - JOINT[constants + INERTIA_A] * (ax * y - ay * x)
    spin_b = spin_b + JOINT[constants + INERTIA_B] * (bx * y - by * x)

    rate = JOINT[constants + ANGULAR_RATE]
    turn_a, turn_b = JOINT[constants + STEP_INERTIA_A], JOINT[constants + STEP_INERTIA_B]
    if HAS_MOTOR[number]:
        most = JOINT[constants + MAX_TORQUE]
        motor = get(lane, joint + MOTOR)
        wanted = motor + rate * (spin_b - spin_a - get(lane, joint + MOTOR_SPEED))
        total = _clamped(wanted, -most, most)
        put(lane, joint + MOTOR, total)
        spin_a = spin_a - turn_a * (total - motor)
        spin_b = spin_b + turn_b * (total - motor)
    state = get(lane, joint + LIMIT_STATE)
    if bits_of(state > INACTIVE) != 0:
        limit = get(lane, joint + LIMIT)
        force = rate * (spin_b - spin_a)
        total = _of_right_sign(state, limit + force)
        total = select(state > INACTIVE, total, limit)
        put(lane, joint + LIMIT, total)
        change = select(state >= EQUAL, force, total - limit)
        spin_a = spin_a - turn_a * change
        spin_b = spin_b + turn_b * change
    put(lane, a + SPIN, spin_a)
    put(lane, b + SPIN, spin_b)


@compiled
def _limit_correction(
    lane: Pointer, joint: int, accumulated: Pointer, number: int, angle: Real, angular_mass: float
) -> tuple[Real, Real]:
    state = get(lane, joint + LIMIT_STATE)
    below = angle - get(lane, joint + LOWER)
    above = angle - get(lane, joint + UPPER)
    most = MAX_ANGULAR_CORRECTION
    equal = state >= EQUAL
    at_upper = state >= AT_UPPER
    free = _clamped(angle, -most, most)
    lower = _clamped(below + ANGULAR_SLOP, -most, 0.0)
    upper = _clamped(above - ANGULAR_SLOP, 0.0, most)
    correction = select(equal, free, select(at_upper, upper, lower))
    error = select(equal, absolute(free), select(at_upper, above, -below))
    impulse = -angular_mass * correction
    old = get(accumulated, number)
    total = _of_right_sign(state, old + impulse)
    active = state > INACTIVE
    put(accumulated, number, select(active & ~equal, total, old))
    change = select(equal, impulse, total - old)
    return select(active, change, 0.0), select(active, error, 0.0)


@compiled
def solve_joint_position(lane: Pointer, accumulated: Pointer, number: int, active: Truth) -> Truth:
    """Runs one position iteration of a joint: pivot, then limit.

    Args:
        accumulated: Position-limit impulses by joint, zero before the first iteration.
        active: Games that still iterate; others keep their state.

    Returns:
        Whether the joint was within tolerance.
    """
    constants = number * JOINT_COLUMNS
    joint = JOINTS + number * JOINT_FIELDS
    a, b = JOINT_A[number] * BODY_FIELDS, JOINT_B[number] * BODY_FIELDS
    ax, ay = _turned(lane, a, JOINT[constants + ANCHOR_AX], JOINT[constants + ANCHOR_AY])
    bx, by = _turned(lane, b, JOINT[constants + ANCHOR_BX], JOINT[constants + ANCHOR_BY])
    x_a, y_a, angle_a = get(lane, a + X), get(lane, a + Y), get(lane, a + ANGLE)
    x_b, y_b, angle_b = get(lane, b + X), get(lane, b + Y), get(lane, b + ANGLE)
    apart_x = (x_b + bx) - (x_a + ax)
    apart_y = (y_b + by) - (y_a + ay)
    distance = square_root(apart_x * apart_x + apart_y * apart_y)
    k11, k12, k22, inverse = _stiffness(constants, ax, ay, bx, by)
    x = inverse * (k22 * -apart_x - k12 * -apart_y)
    y = inverse * (k11 * -apart_y - k12 * -apart_x)
    inertia_a, inertia_b = JOINT[constants + INERTIA_A], JOINT[constants + INERTIA_B]
    put(lane, a + X, select(active, x_a - JOINT[constants + MASS_A] * x, x_a))
    put(lane, a + Y, select(active, y_a - JOINT[constants + MASS_A] * y, y_a))
    put(lane, b + X, select(active, x_b + JOINT[constants + MASS_B] * x, x_b))
    put(lane, b + Y, select(active, y_b + JOINT[constants + MASS_B] * y, y_b))
    new_a = angle_a - inertia_a * (ax * y - ay * x)
    new_b = angle_b + inertia_b * (bx * y - by * x)
    settled = distance <= LINEAR_SLOP
    if bits_of(get(lane, joint + LIMIT_STATE) > INACTIVE) != 0:
        angle = new_b - new_a - JOINT[constants + REFERENCE]
        angular_mass = JOINT[constants + ANGULAR_MASS]
        turn, error = _limit_correction(lane, joint, accumulated, number, angle, angular_mass)
        new_a = new_a - inertia_a * turn
        new_b = new_b + inertia_b * turn
        settled = settled & (error <= ANGULAR_SLOP)
    _turn(lane, a, b, select(active, new_a, angle_a), select(active, new_b, angle_b))
    return settled


@compiled
def _turn(lane: Pointer, a: int, b: int, angle_a: Real, angle_b: Real) -> None:
    sine_a, cosine_a, sine_b, cosine_b = sines_cosines(lane, angle_a, angle_b)
    put(lane, a + ANGLE, angle_a)
    put(lane, a + SINE, sine_a)
    put(lane, a + COSINE, cosine_a)
    put(lane, b + ANGLE, angle_b)
    put(lane, b + SINE, sine_b)
    put(lane, b + COSINE, cosine_b)
