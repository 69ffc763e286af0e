"""New contacts: which bodies' boxes have come to overlap, in the original's order."""

from qwop_wr.simulator.exact.compilation import compiled
from qwop_wr.simulator.exact.layout import (
    BODY_A,
    BODY_B,
    CONTACT_FIELDS,
    CONTACT_ORDER,
    CONTACTS,
    FIRST_CHILDREN,
    FIRST_PART,
    LEAVES,
    MAX_CONTACTS,
    MAX_MOVED,
    MOVED,
    N_CONTACTS,
    N_MOVED,
    N_POINTS,
    NODE_BODIES,
    NODE_BOXES,
    NONE,
    PARTNERS,
    QUERY_STACK,
    ROOT,
    SECOND_CHILDREN,
    TOUCHING,
    USED_CONTACTS,
)
from qwop_wr.simulator.exact.primitives import Pointer
from qwop_wr.simulator.exact.tables import COLLIDES
from qwop_wr.simulator.exact.tree import boxes_overlap


@compiled
def mark_moved(integers: Pointer, body: int) -> None:
    """Records that a body's leaf is new or has moved."""
    n_moved = integers[N_MOVED]
    if n_moved < MAX_MOVED:
        integers[MOVED + n_moved] = body
        integers[N_MOVED] = n_moved + 1


@compiled
def _free_record(integers: Pointer) -> int:
    used = integers[USED_CONTACTS]
    for record in range(MAX_CONTACTS):
        if (used >> record) & 1 == 0:
            return record
    return NONE


@compiled
def _create_contact(integers: Pointer, body: int, other: int) -> None:
    record = _free_record(integers)
    if record == NONE:
        return
    a, b = body, other
    if integers[LEAVES + other] < integers[LEAVES + body]:
        a, b = other, body
    integers[USED_CONTACTS] |= 1 << record
    integers[CONTACT_ORDER + integers[N_CONTACTS]] = record
    integers[N_CONTACTS] += 1
    contact = CONTACTS + record * CONTACT_FIELDS
    integers[contact + BODY_A] = a
    integers[contact + BODY_B] = b
    integers[contact + TOUCHING] = 0
    integers[contact + N_POINTS] = 0
    integers[PARTNERS + a] |= 1 << b
    integers[PARTNERS + b] |= 1 << a


@compiled
def _query_tree(reals: Pointer, integers: Pointer, body: int, wanted: int) -> None:
    integers[QUERY_STACK] = integers[ROOT]
    count = 1
    box = NODE_BOXES + 4 * integers[LEAVES + body]
    while count > 0:
        count -= 1
        node = integers[QUERY_STACK + count]
        if not boxes_overlap(reals, NODE_BOXES + 4 * node, box):
            continue
        first = integers[FIRST_CHILDREN + node]
        if first == NONE:
            other = integers[NODE_BODIES + node]
            if (wanted >> other) & 1:
                _create_contact(integers, body, other)
        else:
            integers[QUERY_STACK + count] = first
            integers[QUERY_STACK + count + 1] = integers[SECOND_CHILDREN + node]
            count += 2


@compiled
def _find_partners(reals: Pointer, integers: Pointer, body: int) -> None:
    wanted = COLLIDES[body] & ~integers[PARTNERS + body]
    if body < FIRST_PART:
        _query_tree(reals, integers, body, wanted)
        return
    # A part meets nothing but tiles, block and hurdle: the tree is needed only
    # for the order of two or more.
    box = NODE_BOXES + 4 * integers[LEAVES + body]
    found = 0
    last = NONE
    for other in range(FIRST_PART):
        if (wanted >> other) & 1 and boxes_overlap(
            reals, NODE_BOXES + 4 * integers[LEAVES + other], box
        ):
            found += 1
            last = other
    if found == 1:
        _create_contact(integers, body, last)
    elif found > 1:
        _query_tree(reals, integers, body, wanted)


@compiled
def find_new_contacts(reals: Pointer, integers: Pointer) -> None:
    """Creates a contact for every new overlap of a moved body's stored box."""
    for index in range(integers[N_MOVED]):
        _find_partners(reals, integers, integers[MOVED + index])
    integers[N_MOVED] = 0
