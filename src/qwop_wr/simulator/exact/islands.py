"""Islands: what touches or is jointed is solved together, in the order in which it is found."""

from qwop_wr.simulator.constants import LINEAR_SLOP, POSITION_ITERATIONS, VELOCITY_ITERATIONS
from qwop_wr.simulator.exact.bodies import TIME_TO_SLEEP, accelerate, fall_asleep, move, rest
from qwop_wr.simulator.exact.compilation import compiled
from qwop_wr.simulator.exact.contact_solver import (
    prepare_contact,
    solve_contact_position,
    solve_contact_velocity,
    store_contact,
    warm_start_contact,
)
from qwop_wr.simulator.exact.contacts import wake
from qwop_wr.simulator.exact.joint_solver import (
    prepare_joint,
    solve_joint_position,
    solve_joint_velocity,
)
from qwop_wr.simulator.exact.layout import (
    ACCUMULATED,
    ARM_FIELDS,
    ARMS,
    AWAKE,
    BODY_A,
    BODY_B,
    CONSTRAINT_FIELDS,
    CONSTRAINTS,
    CONTACT_FIELDS,
    CONTACT_ORDER,
    CONTACTS,
    FIRST_DYNAMIC,
    ISLAND_BODIES,
    ISLAND_CONTACTS,
    ISLAND_JOINTS,
    N_BODIES,
    N_CONTACTS,
    N_ISLAND_BODIES,
    N_ISLAND_CONTACTS,
    N_ISLAND_JOINTS,
    N_JOINTS,
    SEEN_BODIES,
    SEEN_CONTACTS,
    SEEN_JOINTS,
    STACK,
    TOUCHING,
)
from qwop_wr.simulator.exact.primitives import Pointer, Whole, moved, put, truth_of
from qwop_wr.simulator.exact.tables import JOINT_A, JOINT_B, JOINTS_OF_BODY, MAX_JOINTS_OF_BODY


@compiled
def _visit_contacts(integers: Pointer, found: Pointer, body: int) -> None:
    for place in range(integers[N_CONTACTS] - 1, -1, -1):
        record = integers[CONTACT_ORDER + place]
        contact = CONTACTS + record * CONTACT_FIELDS
        a, b = integers[contact + BODY_A], integers[contact + BODY_B]
        if body not in (a, b) or integers[contact + TOUCHING] == 0:
            continue
        if (found[SEEN_CONTACTS] >> record) & 1:
            continue
        found[SEEN_CONTACTS] |= 1 << record
        found[ISLAND_CONTACTS + found[N_ISLAND_CONTACTS]] = record
        found[N_ISLAND_CONTACTS] += 1
        _push(found, b if a == body else a)


@compiled
def _push(found: Pointer, body: int) -> None:
    if (found[SEEN_BODIES] >> body) & 1 == 0:
        found[SEEN_BODIES] |= 1 << body
        count = found[STACK]
        found[STACK + 1 + count] = body
        found[STACK] = count + 1


@compiled
def _visit_joints(found: Pointer, body: int) -> None:
    for place in range(MAX_JOINTS_OF_BODY):
        joint = JOINTS_OF_BODY[body * MAX_JOINTS_OF_BODY + place]
        if joint < 0:
            break
        if (found[SEEN_JOINTS] >> joint) & 1:
            continue
        found[SEEN_JOINTS] |= 1 << joint
        found[ISLAND_JOINTS + found[N_ISLAND_JOINTS]] = joint
        found[N_ISLAND_JOINTS] += 1
        _push(found, JOINT_B[joint] if JOINT_A[joint] == body else JOINT_A[joint])


@compiled
def _grow(lane: Pointer, integers: Pointer, found: Pointer, seed: int) -> None:
    found[N_ISLAND_BODIES] = 0
    found[N_ISLAND_CONTACTS] = 0
    found[N_ISLAND_JOINTS] = 0
    found[STACK] = 0
    _push(found, seed)
    while found[STACK] > 0:
        found[STACK] -= 1
        body = found[STACK + 1 + found[STACK]]
        found[ISLAND_BODIES + found[N_ISLAND_BODIES]] = body
        found[N_ISLAND_BODIES] += 1
        if (integers[AWAKE] >> body) & 1 == 0:
            wake(lane, integers, body)
        if body >= FIRST_DYNAMIC:
            _visit_contacts(integers, found, body)
            _visit_joints(found, body)


@compiled
def _solve_velocities(
    lane: Pointer, reals: Pointer, integers: Pointer, work: Pointer, found: Pointer
) -> None:
    n_contacts, n_joints = found[N_ISLAND_CONTACTS], found[N_ISLAND_JOINTS]
    for place in range(n_contacts):
        constraint = CONSTRAINTS + place * CONSTRAINT_FIELDS
        record = found[ISLAND_CONTACTS + place]
        prepare_contact(lane, reals, integers, work, constraint, record)
    for place in range(n_contacts):
        constraint = CONSTRAINTS + place * CONSTRAINT_FIELDS
        warm_start_contact(lane, integers, work, constraint)
    for place in range(n_joints):
        joint = found[ISLAND_JOINTS + place]
        prepare_joint(lane, moved(work, ARMS + joint * ARM_FIELDS), joint)
    for _ in range(VELOCITY_ITERATIONS):
        for place in range(n_joints):
            joint = found[ISLAND_JOINTS + place]
            solve_joint_velocity(lane, moved(work, ARMS + joint * ARM_FIELDS), joint)
        for place in range(n_contacts):
            constraint = CONSTRAINTS + place * CONSTRAINT_FIELDS
            solve_contact_velocity(lane, integers, work, constraint)
    for place in range(n_contacts):
        store_contact(reals, work, CONSTRAINTS + place * CONSTRAINT_FIELDS)


@compiled
def _solve_positions(
    lane: Pointer, reals: Pointer, integers: Pointer, work: Pointer, found: Pointer
) -> None:
    accumulated = moved(work, ACCUMULATED)
    for joint in range(N_JOINTS):
        put(accumulated, joint, 0.0)
    for _ in range(POSITION_ITERATIONS):
        least = 0.0
        for place in range(found[N_ISLAND_CONTACTS]):
            constraint = CONSTRAINTS + place * CONSTRAINT_FIELDS
            least = min(least, solve_contact_position(lane, reals, integers, work, constraint))
        settled = least > -1.5 * LINEAR_SLOP
        for place in range(found[N_ISLAND_JOINTS]):
            joint = found[ISLAND_JOINTS + place]
            settled &= solve_joint_position(lane, accumulated, joint, truth_of(lane, 1))
        if settled:
            break


@compiled
def _solve(lane: Pointer, reals: Pointer, integers: Pointer, work: Pointer, found: Pointer) -> None:
    n_bodies = found[N_ISLAND_BODIES]
    for place in range(n_bodies):
        body = found[ISLAND_BODIES + place]
        if body >= FIRST_DYNAMIC:
            accelerate(lane, body)
    _solve_velocities(lane, reals, integers, work, found)
    for place in range(n_bodies):
        body = found[ISLAND_BODIES + place]
        if body >= FIRST_DYNAMIC:
            move(lane, body)
    _solve_positions(lane, reals, integers, work, found)
    least_time = TIME_TO_SLEEP
    for place in range(n_bodies):
        body = found[ISLAND_BODIES + place]
        if body >= FIRST_DYNAMIC:
            least_time = min(least_time, rest(lane, body))
    if least_time >= TIME_TO_SLEEP:
        for place in range(n_bodies):
            fall_asleep(lane, integers, found[ISLAND_BODIES + place])


@compiled
def solve_islands(
    lane: Pointer, reals: Pointer, integers: Pointer, work: Pointer, found: Pointer, bodies: Whole
) -> None:
    """Advances the bodies that are awake, island by island.

    Args:
        work: Workspace, :data:`WORK_REALS` floats.
        found: Workspace, :data:`WORK_INTEGERS` integers.
        bodies: The dynamic bodies to advance; whole islands.
    """
    found[SEEN_BODIES] = 0
    found[SEEN_CONTACTS] = 0
    found[SEEN_JOINTS] = 0
    for seed in range(N_BODIES - 1, FIRST_DYNAMIC - 1, -1):
        if ((integers[AWAKE] & bodies) >> seed) & 1 == 0 or (found[SEEN_BODIES] >> seed) & 1:
            continue
        _grow(lane, integers, found, seed)
        _solve(lane, reals, integers, work, found)
        found[SEEN_BODIES] &= ~((1 << FIRST_DYNAMIC) - 1)
