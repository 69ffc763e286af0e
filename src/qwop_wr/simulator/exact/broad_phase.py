"""The broad phase: a tree of boxes, and the new contacts that it finds.

A binary tree without rebalancing, as in the original. Its shape depends on
the order of everything that ever moved, and decides in which order contacts
are found; so it is kept exactly, down to the numbers of its nodes.
"""

from qwop_wr.simulator.exact.compilation import compiled
from qwop_wr.simulator.exact.layout import (
    BODY_A,
    BODY_B,
    CONTACT_FIELDS,
    CONTACT_ORDER,
    CONTACTS,
    FIRST_CHILDREN,
    FIRST_PART,
    FREE_NODE,
    LEAVES,
    MAX_CONTACTS,
    MAX_MOVED,
    MOVED,
    N_CONTACTS,
    N_MOVED,
    N_POINTS,
    NEXT_NODE,
    NODE_BODIES,
    NODE_BOXES,
    NONE,
    PARENTS,
    PARTNERS,
    QUERY_STACK,
    ROOT,
    SECOND_CHILDREN,
    STORED_BOXES,
    SWEPT_BOXES,
    TOUCHING,
    USED_CONTACTS,
)
from qwop_wr.simulator.exact.primitives import Pointer, Real, Truth, Whole, get, put
from qwop_wr.simulator.exact.tables import COLLIDES

MARGIN = 0.1
"""Margin of a stored box around its content, on every side [units]."""

MARGIN_PER_MOVE = 2.0
"""Additional margin per unit of displacement."""


@compiled
def boxes_overlap(reals: Pointer, first: int, second: int) -> Truth:
    """Returns whether the boxes at two offsets share a point; touching counts."""
    return (
        reals[second] <= reals[first + 2]
        and reals[second + 1] <= reals[first + 3]
        and reals[first] <= reals[second + 2]
        and reals[first + 1] <= reals[second + 3]
    )


@compiled
def _contains(reals: Pointer, outer: int, inner: int) -> Truth:
    return (
        reals[outer] <= reals[inner]
        and reals[outer + 1] <= reals[inner + 1]
        and reals[inner + 2] <= reals[outer + 2]
        and reals[inner + 3] <= reals[outer + 3]
    )


@compiled
def _enclose(reals: Pointer, node: int, first: int, second: int) -> None:
    target = NODE_BOXES + 4 * node
    one, other = NODE_BOXES + 4 * first, NODE_BOXES + 4 * second
    reals[target] = min(reals[one], reals[other])
    reals[target + 1] = min(reals[one + 1], reals[other + 1])
    reals[target + 2] = max(reals[one + 2], reals[other + 2])
    reals[target + 3] = max(reals[one + 3], reals[other + 3])


@compiled
def _allocate(integers: Pointer) -> Whole:
    node = integers[FREE_NODE]
    if node != NONE:
        integers[FREE_NODE] = integers[PARENTS + node]
    else:
        node = integers[NEXT_NODE]
        integers[NEXT_NODE] = node + 1
    integers[PARENTS + node] = NONE
    integers[FIRST_CHILDREN + node] = NONE
    integers[SECOND_CHILDREN + node] = NONE
    integers[NODE_BODIES + node] = NONE
    return node


@compiled
def _free(integers: Pointer, node: int) -> None:
    integers[PARENTS + node] = integers[FREE_NODE]
    integers[FREE_NODE] = node


@compiled
def _distance(reals: Pointer, node: int, x: float, y: float) -> Real:
    box = NODE_BOXES + 4 * node
    return abs((reals[box] + reals[box + 2]) * 0.5 - x) + abs(
        (reals[box + 1] + reals[box + 3]) * 0.5 - y
    )


@compiled
def _nearest_leaf(reals: Pointer, integers: Pointer, leaf: int) -> Whole:
    box = NODE_BOXES + 4 * leaf
    x = (reals[box] + reals[box + 2]) * 0.5
    y = (reals[box + 1] + reals[box + 3]) * 0.5
    node = integers[ROOT]
    first = integers[FIRST_CHILDREN + node]
    while first != NONE:
        second = integers[SECOND_CHILDREN + node]
        nearer_first = _distance(reals, first, x, y) < _distance(reals, second, x, y)
        node = first if nearer_first else second
        first = integers[FIRST_CHILDREN + node]
    return node


@compiled
def _replace_child(integers: Pointer, parent: int, child: int, other: int) -> None:
    if integers[FIRST_CHILDREN + parent] == child:
        integers[FIRST_CHILDREN + parent] = other
    else:
        integers[SECOND_CHILDREN + parent] = other


@compiled
def _insert(reals: Pointer, integers: Pointer, leaf: int) -> None:
    if integers[ROOT] == NONE:
        integers[ROOT] = leaf
        integers[PARENTS + leaf] = NONE
        return
    sibling = _nearest_leaf(reals, integers, leaf)
    above = integers[PARENTS + sibling]
    node = _allocate(integers)
    integers[PARENTS + node] = above
    _enclose(reals, node, leaf, sibling)
    integers[FIRST_CHILDREN + node] = sibling
    integers[SECOND_CHILDREN + node] = leaf
    integers[PARENTS + sibling] = node
    integers[PARENTS + leaf] = node
    if above == NONE:
        integers[ROOT] = node
        return
    _replace_child(integers, above, sibling, node)
    while above != NONE:
        if _contains(reals, NODE_BOXES + 4 * above, NODE_BOXES + 4 * node):
            break
        _enclose(reals, above, integers[FIRST_CHILDREN + above], integers[SECOND_CHILDREN + above])
        node = above
        above = integers[PARENTS + above]


@compiled
def _remove(reals: Pointer, integers: Pointer, leaf: int) -> None:
    if integers[ROOT] == leaf:
        integers[ROOT] = NONE
        return
    parent = integers[PARENTS + leaf]
    above = integers[PARENTS + parent]
    sibling = integers[FIRST_CHILDREN + parent]
    if sibling == leaf:
        sibling = integers[SECOND_CHILDREN + parent]
    integers[PARENTS + sibling] = above
    _free(integers, parent)
    if above == NONE:
        integers[ROOT] = sibling
        return
    _replace_child(integers, above, parent, sibling)
    # The original would go on upwards if the old box did not contain the new
    # one, but a box that loses a leaf never grows: one update is all there is,
    # and the boxes above stay loose.
    while above != NONE:
        box = NODE_BOXES + 4 * above
        lower_x, lower_y, upper_x, upper_y = (
            reals[box],
            reals[box + 1],
            reals[box + 2],
            reals[box + 3],
        )
        _enclose(reals, above, integers[FIRST_CHILDREN + above], integers[SECOND_CHILDREN + above])
        if (
            lower_x <= reals[box]
            and lower_y <= reals[box + 1]
            and reals[box + 2] <= upper_x
            and reals[box + 3] <= upper_y
        ):
            break
        above = integers[PARENTS + above]


@compiled
def _store_box(
    lane: Pointer, reals: Pointer, leaf: int, body: int, margin_x: float, margin_y: float
) -> None:
    box, swept, stored = NODE_BOXES + 4 * leaf, SWEPT_BOXES + 4 * body, STORED_BOXES + 4 * body
    reals[box] = get(lane, swept) - margin_x
    reals[box + 1] = get(lane, swept + 1) - margin_y
    reals[box + 2] = get(lane, swept + 2) + margin_x
    reals[box + 3] = get(lane, swept + 3) + margin_y
    for side in range(4):
        put(lane, stored + side, reals[box + side])


@compiled
def create_leaf(lane: Pointer, reals: Pointer, integers: Pointer, body: int) -> None:
    """Gives a body a leaf around its swept box."""
    leaf = _allocate(integers)
    integers[NODE_BODIES + leaf] = body
    integers[LEAVES + body] = leaf
    _store_box(lane, reals, leaf, body, MARGIN, MARGIN)
    _insert(reals, integers, leaf)


@compiled
def destroy_leaf(reals: Pointer, integers: Pointer, body: int) -> None:
    """Takes a body's leaf out of the tree; its node may be used again."""
    leaf = integers[LEAVES + body]
    _remove(reals, integers, leaf)
    _free(integers, leaf)


@compiled
def move_leaf(
    lane: Pointer, reals: Pointer, integers: Pointer, body: int, move_x: float, move_y: float
) -> None:
    """Inserts a body's leaf anew around its swept box.

    The displacement in this step [units] widens the box's margin.
    """
    leaf = integers[LEAVES + body]
    _remove(reals, integers, leaf)
    margin_x = MARGIN + MARGIN_PER_MOVE * abs(move_x)
    margin_y = MARGIN + MARGIN_PER_MOVE * abs(move_y)
    _store_box(lane, reals, leaf, body, margin_x, margin_y)
    _insert(reals, integers, leaf)


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
