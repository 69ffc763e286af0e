"""The runner on its own: awake as a whole and touching nothing but the ground.

This is nearly every tick of nearly every game; the hurdle, if it is awake, is then an island
of its own. The joints' order is known, all contacts are with static bodies, and the same code
solves one game or eight.
"""

from qwop_wr.simulator.constants import LINEAR_SLOP, POSITION_ITERATIONS, VELOCITY_ITERATIONS
from qwop_wr.simulator.exact.bodies import TIME_TO_SLEEP, accelerate, move, rest
from qwop_wr.simulator.exact.compilation import compiled
from qwop_wr.simulator.exact.ground_contacts import (
    prepare_slot,
    solve_slot_position,
    solve_slot_velocity,
    warm_start_slot,
)
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
    FIRST_PART,
    HURDLE_BASE,
    HURDLE_TOP,
    N_BODIES,
    N_JOINTS,
    N_SLOTS,
    PART_BITS,
    PARTNERS,
    SLOT_BODIES,
    SLOT_FIELDS,
    SLOTS,
)
from qwop_wr.simulator.exact.primitives import Pointer, Whole, bits_of, moved, put, truth_of
from qwop_wr.simulator.exact.tables import RUNNER_JOINTS


@compiled
def runs_alone(integers: Pointer) -> bool:
    """Returns whether all parts are awake and none is near the hurdle."""
    awake: bool = (integers[AWAKE] & PART_BITS) == PART_BITS
    near = integers[PARTNERS + HURDLE_BASE] | integers[PARTNERS + HURDLE_TOP]
    return awake and (near & PART_BITS) == 0


@compiled
def _solve_velocities(lane: Pointer, work: Pointer, found: Pointer) -> None:
    n_slots = found[N_SLOTS]
    for place in range(n_slots):
        prepare_slot(lane, work, SLOTS + place * SLOT_FIELDS, found[SLOT_BODIES + place])
    for place in range(n_slots):
        warm_start_slot(lane, work, SLOTS + place * SLOT_FIELDS, found[SLOT_BODIES + place])
    for place in range(len(RUNNER_JOINTS)):
        joint = RUNNER_JOINTS[place]
        prepare_joint(lane, moved(work, ARMS + joint * ARM_FIELDS), joint)
    for _ in range(VELOCITY_ITERATIONS):
        for place in range(len(RUNNER_JOINTS)):
            joint = RUNNER_JOINTS[place]
            solve_joint_velocity(lane, moved(work, ARMS + joint * ARM_FIELDS), joint)
        for place in range(n_slots):
            slot = SLOTS + place * SLOT_FIELDS
            solve_slot_velocity(lane, work, slot, found[SLOT_BODIES + place])


@compiled
def _solve_positions(lane: Pointer, work: Pointer, found: Pointer, games: int) -> None:
    accumulated = moved(work, ACCUMULATED)
    for joint in range(N_JOINTS):
        put(accumulated, joint, 0.0)
    unsettled = games
    for _ in range(POSITION_ITERATIONS):
        active = truth_of(lane, unsettled)
        settled = active
        for place in range(found[N_SLOTS]):
            slot = SLOTS + place * SLOT_FIELDS
            least = solve_slot_position(lane, work, slot, found[SLOT_BODIES + place], active)
            settled = settled & (least > -1.5 * LINEAR_SLOP)
        for place in range(len(RUNNER_JOINTS)):
            settled = settled & solve_joint_position(
                lane, accumulated, RUNNER_JOINTS[place], active
            )
        unsettled &= ~bits_of(settled)
        if unsettled == 0:
            break


@compiled
def solve_runner(lane: Pointer, work: Pointer, found: Pointer, games: int) -> Whole:
    """Advances the runner by a step, in one game or in eight.

    Args:
        work: Workspace with the slots filled, of the same kind as ``lane``.
        found: Workspace with the list of slots.
        games: The games that take part; 1 for a single game.

    Returns:
        The games whose runner has been still for long enough to sleep.
    """
    for body in range(FIRST_PART, N_BODIES):
        accelerate(lane, body)
    _solve_velocities(lane, work, found)
    for body in range(FIRST_PART, N_BODIES):
        move(lane, body)
    _solve_positions(lane, work, found, games)
    still = truth_of(lane, games)
    for body in range(FIRST_PART, N_BODIES):
        still = still & (rest(lane, body) >= TIME_TO_SLEEP)
    return bits_of(still)
