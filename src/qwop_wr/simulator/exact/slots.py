"""Slots: the ground contacts of a group's games, arranged lane beside lane."""

from qwop_wr.simulator.exact.compilation import compiled
from qwop_wr.simulator.exact.ground_contacts import (
    COPIED_FIELDS,
    COUNT,
    FLIP,
    FRICTIONS,
    GROUND_X,
    GROUND_Y,
    IMPULSES,
    LOCAL_NORMAL,
    TWO,
)
from qwop_wr.simulator.exact.layout import (
    AWAKE,
    BODY_A,
    BODY_B,
    BODY_FIELDS,
    CONTACT_FIELDS,
    CONTACT_ORDER,
    CONTACTS,
    FIRST_PART,
    FLIPPED,
    MANIFOLD_FIELDS,
    MANIFOLDS,
    N_BODIES,
    N_CONTACTS,
    N_POINTS,
    NORMAL,
    NORMAL_IMPULSES,
    TOUCHING,
    X,
    Y,
)
from qwop_wr.simulator.exact.primitives import Pointer, Whole, get, lane_of, put
from qwop_wr.simulator.exact.simd import LANES
from qwop_wr.simulator.exact.workspace import (
    KNOWN_SLOTS,
    MAX_RANKS,
    N_SLOTS,
    SLOT_BODIES,
    SLOT_FIELDS,
    SLOT_GAMES,
    SLOT_NUMBERS,
    SLOT_RECORDS,
    SLOTS,
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
