"""Entry points from Python: advance, restart, copy and read a batch of games."""

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
    WORK_INTEGERS,
    WORK_REALS,
)
from qwop_wr.simulator.exact.primitives import Pointer, Truth, get, pointer, put, vector_pointer
from qwop_wr.simulator.exact.simd import LANES
from qwop_wr.simulator.exact.trigonometry import sine_cosine_on
from qwop_wr.simulator.exact.world import restart
from qwop_wr.simulator.keys import KeyMasks


@compiled
def lane_start(game: int) -> int:
    """Returns the offset of a game's first field in the flat array of lanes."""
    return (game // LANES) * GROUP_SIZE + game % LANES


@entry_point
def advance(
    lanes: Floats,
    reals: Floats,
    integers: Integers,
    keys: KeyMasks,
    ticks: int,
    first: int,
    last: int,
) -> None:
    """Steps groups ``first`` to ``last`` by some ticks."""
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


@entry_point
def begin(
    lanes: Floats, reals: Floats, integers: Integers, game: int, soft: bool, platform: int
) -> None:
    """Restarts one game, all but the reset's own tick."""
    restart(
        pointer(lanes, lane_start(game)),
        pointer(reals, game * GAME_REALS),
        pointer(integers, game * GAME_INTEGERS),
        soft,
        platform,
    )


@entry_point
def copy(
    from_lanes: Floats,
    from_reals: Floats,
    from_integers: Integers,
    origins: Integers,
    lanes: Floats,
    reals: Floats,
    integers: Integers,
    targets: Integers,
) -> None:
    """Copies games, one after the other."""
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


@entry_point
def read_bodies(lanes: Floats, bodies: Integers, out: Floats) -> None:
    """Gathers the motion of bodies, shape (games, bodies, 6)."""
    n_games, n_bodies, n_fields = out.shape
    for game in range(n_games):
        lane = pointer(lanes, lane_start(game))
        for place in range(n_bodies):
            for field in range(n_fields):
                out[game, place, field] = get(lane, bodies[place] * BODY_FIELDS + field)


@compiled
def _touches_ground(integers: Pointer, contact: int) -> Truth:
    return integers[contact + TOUCHING] == 1 and integers[contact + BODY_A] < N_TILES


@entry_point
def read_contacts(
    integers: Integers, bodies: Integers, on_ground: Booleans, touching: Integers
) -> None:
    """Notes which bodies touch the ground and counts touching contacts."""
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


@entry_point
def compute_sines_cosines(platform: int, angles: Floats, sines: Floats, cosines: Floats) -> None:
    """Computes a platform's sines and cosines, eight at a time."""
    source = vector_pointer(angles, 0)
    sine_place, cosine_place = vector_pointer(sines, 0), vector_pointer(cosines, 0)
    for place in range(len(angles) // LANES):
        sine, cosine = sine_cosine_on(platform, get(source, place))
        put(sine_place, place, sine)
        put(cosine_place, place, cosine)
