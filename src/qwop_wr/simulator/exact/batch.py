"""Entry points from Python: advance, restart, copy and read a batch of games."""

from collections.abc import Callable
from typing import Any

import numpy as np

from qwop_wr.simulator.base import Booleans, Floats, Integers
from qwop_wr.simulator.exact.compilation import compiled, entry_point
from qwop_wr.simulator.exact.groups import Group, run_group
from qwop_wr.simulator.exact.layout import (
    BODY_A,
    BODY_B,
    BODY_FIELDS,
    CONTACT_FIELDS,
    CONTACT_ORDER,
    CONTACTS,
    GAME_INTEGERS,
    GAME_REALS,
    GROUP_SIZE,
    N_CONTACTS,
    N_TILES,
    STATE_FIELDS,
    TOUCHING,
)
from qwop_wr.simulator.exact.primitives import (
    Pointer,
    Truth,
    get,
    pointer,
    put,
    vector_pointer,
)
from qwop_wr.simulator.exact.simd import LANES
from qwop_wr.simulator.exact.trigonometry import sine_cosine_on
from qwop_wr.simulator.exact.workspace import WORK_INTEGERS, WORK_REALS
from qwop_wr.simulator.exact.world import restart
from qwop_wr.simulator.keys import KeyMasks

Entry = Callable[..., Any]


@compiled
def lane_start(game: int) -> int:
    """Where a game's lane begins in the flat array of lanes.

    Args:
        game: Index of the game.

    Returns:
        Offset of its first field.
    """
    return (game // LANES) * GROUP_SIZE + game % LANES


@entry_point
def advance(fingerprint: int) -> Entry:
    """Make the function that steps groups ``first`` to ``last`` by some ticks."""

    def advance_groups(
        lanes: Floats,
        reals: Floats,
        integers: Integers,
        keys: KeyMasks,
        ticks: int,
        first: int,
        last: int,
    ) -> int:
        work = np.empty(WORK_REALS)
        found = np.empty(WORK_INTEGERS, np.int64)
        for number in range(first, last):
            game = number * LANES
            group = Group(
                vector_pointer(lanes, number * GROUP_SIZE),
                pointer(reals, game * GAME_REALS),
                pointer(integers, game * GAME_INTEGERS),
                vector_pointer(work, 0),
                pointer(work, 0),
                pointer(found, 0),
            )
            run_group(group, pointer(keys, game), min(LANES, len(keys) - game), ticks)
        return fingerprint

    return advance_groups


@entry_point
def begin(fingerprint: int) -> Entry:
    """Make the function that restarts one game, all but the reset's own tick."""

    def begin_game(
        lanes: Floats, reals: Floats, integers: Integers, game: int, soft: bool, platform: int
    ) -> int:
        restart(
            pointer(lanes, lane_start(game)),
            pointer(reals, game * GAME_REALS),
            pointer(integers, game * GAME_INTEGERS),
            soft,
            platform,
        )
        return fingerprint

    return begin_game


@entry_point
def copy(fingerprint: int) -> Entry:
    """Make the function that copies games, one after the other."""

    def copy_games(
        from_lanes: Floats,
        from_reals: Floats,
        from_integers: Integers,
        origins: Integers,
        lanes: Floats,
        reals: Floats,
        integers: Integers,
        targets: Integers,
    ) -> int:
        for index in range(len(targets)):
            origin, target = origins[index], targets[index]
            source = pointer(from_lanes, lane_start(origin))
            lane = pointer(lanes, lane_start(target))
            for field in range(STATE_FIELDS):
                put(lane, field, get(source, field))
            source = pointer(from_reals, origin * GAME_REALS)
            place = pointer(reals, target * GAME_REALS)
            for field in range(GAME_REALS):
                place[field] = source[field]
            source_integers = pointer(from_integers, origin * GAME_INTEGERS)
            integer_place = pointer(integers, target * GAME_INTEGERS)
            for field in range(GAME_INTEGERS):
                integer_place[field] = source_integers[field]
        return fingerprint

    return copy_games


@entry_point
def read_bodies(fingerprint: int) -> Entry:
    """Make the function that gathers the motion of bodies, shape (games, bodies, 6)."""

    def read(lanes: Floats, bodies: Integers, out: Floats) -> int:
        n_games, n_bodies, n_fields = out.shape
        for game in range(n_games):
            lane = pointer(lanes, lane_start(game))
            for place in range(n_bodies):
                for field in range(n_fields):
                    out[game, place, field] = get(lane, bodies[place] * BODY_FIELDS + field)
        return fingerprint

    return read


@compiled
def _touches_ground(integers: Pointer, contact: int) -> Truth:
    return integers[contact + TOUCHING] == 1 and integers[contact + BODY_A] < N_TILES


@entry_point
def read_contacts(fingerprint: int) -> Entry:
    """Make the function that looks which bodies touch the ground and counts touching contacts."""

    def read(integers: Integers, bodies: Integers, on_ground: Booleans, touching: Integers) -> int:
        n_games, n_bodies = on_ground.shape
        for game in range(n_games):
            record = pointer(integers, game * GAME_INTEGERS)
            touching[game] = 0
            on_ground[game] = False
            for place in range(record[N_CONTACTS]):
                contact = CONTACTS + record[CONTACT_ORDER + place] * CONTACT_FIELDS
                touching[game] += record[contact + TOUCHING]
                if _touches_ground(record, contact):
                    for index in range(n_bodies):
                        on_ground[game, index] |= record[contact + BODY_B] == bodies[index]
        return fingerprint

    return read


@entry_point
def compute_sines_cosines(fingerprint: int) -> Entry:
    """Make the function that computes a platform's sines and cosines, eight at a time."""

    def compute(platform: int, angles: Floats, sines: Floats, cosines: Floats) -> int:
        source = vector_pointer(angles, 0)
        sine_place, cosine_place = vector_pointer(sines, 0), vector_pointer(cosines, 0)
        for place in range(len(angles) // LANES):
            sine, cosine = sine_cosine_on(platform, get(source, place))
            put(sine_place, place, sine)
            put(cosine_place, place, cosine)
        return fingerprint

    return compute
