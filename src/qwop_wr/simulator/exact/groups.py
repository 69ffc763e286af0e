"""One tick of the games that share a group.

Lanes in which the runner is on its own are solved together. A lane that is
the only such one goes through the same functions by itself; one in which parts
sleep or are near the hurdle goes through the islands. So does the hurdle
alone where it is awake and no part is near it: two islands that share no
dynamic body do not know of one another, and the runner's comes first. Vector code
writes to all lanes, so those that do not take part are set aside meanwhile.
"""

from typing import NamedTuple

from qwop_wr.simulator.exact.bodies import fall_asleep, refit, sweep, synchronise
from qwop_wr.simulator.exact.broad_phase import find_new_contacts
from qwop_wr.simulator.exact.compilation import compiled
from qwop_wr.simulator.exact.contacts import update_contacts
from qwop_wr.simulator.exact.ground_contacts import clear_slots, fill_slots, store_slots
from qwop_wr.simulator.exact.islands import solve_islands
from qwop_wr.simulator.exact.layout import (
    ASIDE,
    AWAKE,
    BODY_A,
    BODY_B,
    CONTACT_FIELDS,
    CONTACT_ORDER,
    CONTACTS,
    DYNAMIC_BITS,
    ENDED,
    FIRST_DYNAMIC,
    FIRST_PART,
    FLAGS,
    GAME_INTEGERS,
    GAME_REALS,
    HURDLE_BITS,
    N_BODIES,
    N_CONTACTS,
    STATE_FIELDS,
    TOUCHING,
)
from qwop_wr.simulator.exact.primitives import Pointer, bits_of, get, lane_of, offset, put, truth_of
from qwop_wr.simulator.exact.rules import judge, press_keys, start_clock
from qwop_wr.simulator.exact.runner import runs_alone, solve_runner
from qwop_wr.simulator.exact.simd import LANES
from qwop_wr.simulator.exact.world import hold_head, lay_tiles


class Group(NamedTuple):
    """Pointers to a group's memory and to the thread's workspace.

    Attributes:
        lanes: The lanes, as vectors.
        reals: Reals of the first game.
        integers: Integers of the first game.
        work: Workspace of floats, as vectors.
        flat: The same workspace, as floats.
        found: Workspace of integers.
    """

    lanes: Pointer
    reals: Pointer
    integers: Pointer
    work: Pointer
    flat: Pointer
    found: Pointer


@compiled
def _reals(group: Group, game: int) -> Pointer:
    return offset(group.reals, game * GAME_REALS)


@compiled
def _integers(group: Group, game: int) -> Pointer:
    return offset(group.integers, game * GAME_INTEGERS)


@compiled
def set_aside(group: Group, games: int) -> None:
    """Keeps the lanes of some games."""
    for game in range(LANES):
        if (games >> game) & 1:
            lane, kept = lane_of(group.lanes, game), lane_of(group.work, game)
            for field in range(STATE_FIELDS):
                put(kept, ASIDE + field, get(lane, field))


@compiled
def put_back(group: Group, games: int) -> None:
    """Restores the lanes of games that were set aside."""
    for game in range(LANES):
        if (games >> game) & 1:
            lane, kept = lane_of(group.lanes, game), lane_of(group.work, game)
            for field in range(STATE_FIELDS):
                put(lane, field, get(kept, ASIDE + field))


@compiled
def _prepare(group: Group, games: int) -> int:
    alone = 0
    for game in range(LANES):
        if (games >> game) & 1:
            lane, reals = lane_of(group.lanes, game), _reals(group, game)
            integers = _integers(group, game)
            start_clock(reals, integers)
            lay_tiles(lane, reals, integers)
            hold_head(lane, integers)
            update_contacts(lane, reals, integers)
            if runs_alone(integers):
                alone |= 1 << game
    return alone


@compiled
def _finish(group: Group, games: int) -> int:
    ended = 0
    for game in range(LANES):
        if (games >> game) & 1:
            lane, reals = lane_of(group.lanes, game), _reals(group, game)
            integers = _integers(group, game)
            find_new_contacts(reals, integers)
            judge(lane, reals, integers)
            if integers[FLAGS] & ENDED:
                ended |= 1 << game
    return ended


@compiled
def _put_to_sleep(lane: Pointer, integers: Pointer) -> None:
    for body in range(FIRST_PART, N_BODIES):
        fall_asleep(lane, integers, body)
    for place in range(integers[N_CONTACTS]):
        contact = CONTACTS + integers[CONTACT_ORDER + place] * CONTACT_FIELDS
        if integers[contact + TOUCHING] and integers[contact + BODY_B] >= FIRST_PART:
            fall_asleep(lane, integers, integers[contact + BODY_A])


@compiled
def _fill(group: Group, games: int) -> None:
    clear_slots(group.found)
    for game in range(LANES):
        if (games >> game) & 1:
            fill_slots(
                lane_of(group.lanes, game),
                _reals(group, game),
                _integers(group, game),
                group.work,
                group.found,
                game,
            )


@compiled
def _store(group: Group, games: int, asleep: int) -> None:
    for game in range(LANES):
        if (games >> game) & 1:
            store_slots(_reals(group, game), group.work, group.found, game)
        if (asleep >> game) & 1:
            _put_to_sleep(lane_of(group.lanes, game), _integers(group, game))


@compiled
def _solve_together(group: Group, games: int) -> None:
    _fill(group, games)
    asleep = solve_runner(group.lanes, group.work, group.found, games)
    _store(group, games, asleep)
    active = truth_of(group.lanes, games & ~asleep)
    for body in range(N_BODIES - 1, FIRST_PART - 1, -1):
        outside = bits_of(sweep(group.lanes, body, active))
        game = 0
        while outside:
            if outside & 1:
                lane, integers = lane_of(group.lanes, game), _integers(group, game)
                refit(lane, _reals(group, game), integers, body)
            outside >>= 1
            game += 1


@compiled
def _solve_single(group: Group, game: int) -> None:
    _fill(group, 1 << game)
    lane, integers = lane_of(group.lanes, game), _integers(group, game)
    asleep = solve_runner(lane, lane_of(group.work, game), group.found, 1)
    _store(group, 1 << game, asleep << game)
    if not asleep:
        for body in range(N_BODIES - 1, FIRST_PART - 1, -1):
            synchronise(lane, _reals(group, game), integers, body)


@compiled
def _solve_by_islands(group: Group, game: int, bodies: int) -> None:
    lane, reals = lane_of(group.lanes, game), _reals(group, game)
    integers = _integers(group, game)
    solve_islands(lane, reals, integers, group.flat, group.found, bodies)
    for body in range(N_BODIES - 1, FIRST_DYNAMIC - 1, -1):
        if ((integers[AWAKE] & bodies) >> body) & 1:
            synchronise(lane, reals, integers, body)


@compiled
def _tick(group: Group, games: int) -> int:
    alone = _prepare(group, games)
    others = games & ~alone
    if alone & (alone - 1):
        set_aside(group, others)
        _solve_together(group, alone)
        put_back(group, others)
    elif alone:
        for game in range(LANES):
            if (alone >> game) & 1:
                _solve_single(group, game)
    for game in range(LANES):
        if (others >> game) & 1:
            _solve_by_islands(group, game, DYNAMIC_BITS)
        elif (alone >> game) & 1 and _integers(group, game)[AWAKE] & HURDLE_BITS:
            _solve_by_islands(group, game, HURDLE_BITS)
    return _finish(group, games)


@compiled
def _press(group: Group, keys: Pointer, n_games: int) -> int:
    games = 0
    for game in range(n_games):
        integers = _integers(group, game)
        if integers[FLAGS] & ENDED == 0:
            games |= 1 << game
            press_keys(lane_of(group.lanes, game), integers, keys[game])
    return games


@compiled
def run_group(group: Group, keys: Pointer, n_games: int, ticks: int) -> None:
    """Advances the games of a group that have not ended.

    Args:
        keys: Masks of the keys held, from the group's first game.
        n_games: Games in the group, at most eight.
        ticks: Ticks to advance; a game that ends stands still from then on.
    """
    games = _press(group, keys, n_games)
    idle = ((1 << n_games) - 1) & ~games
    set_aside(group, idle)
    for _ in range(ticks):
        if games == 0:
            break
        ended = _tick(group, games)
        if ended:
            set_aside(group, ended)
            games &= ~ended
            idle |= ended
    put_back(group, idle)
