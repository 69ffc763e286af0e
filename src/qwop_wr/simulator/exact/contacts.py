"""The list of contacts: updated before each step, which may wake bodies."""

from qwop_wr.simulator.exact.compilation import compiled
from qwop_wr.simulator.exact.layout import (
    AWAKE,
    BODY_A,
    BODY_B,
    BODY_FIELDS,
    CONTACT_FIELDS,
    CONTACT_ORDER,
    CONTACTS,
    IDS,
    MANIFOLD_FIELDS,
    MANIFOLDS,
    N_CONTACTS,
    N_POINTS,
    NORMAL_IMPULSES,
    PARTNERS,
    SLEEP_TIME,
    STORED_BOXES,
    SWEPT_BOXES,
    TANGENT_IMPULSES,
    TOUCHING,
    USED_CONTACTS,
)
from qwop_wr.simulator.exact.narrow_phase import box_of, collide_boxes
from qwop_wr.simulator.exact.primitives import Pointer, Truth, get, put
from qwop_wr.simulator.exact.rules import begin_contact


@compiled
def wake(lane: Pointer, integers: Pointer, body: int) -> None:
    """Wakes a body and restarts the time it has been still."""
    integers[AWAKE] |= 1 << body
    put(lane, body * BODY_FIELDS + SLEEP_TIME, 0.0)


@compiled
def destroy_contact(lane: Pointer, integers: Pointer, place: int) -> None:
    """Removes the contact at a place of the order; one that has points wakes its bodies."""
    record = integers[CONTACT_ORDER + place]
    contact = CONTACTS + record * CONTACT_FIELDS
    a, b = integers[contact + BODY_A], integers[contact + BODY_B]
    if integers[contact + N_POINTS] > 0:
        wake(lane, integers, a)
        wake(lane, integers, b)
    integers[PARTNERS + a] &= ~(1 << b)
    integers[PARTNERS + b] &= ~(1 << a)
    integers[USED_CONTACTS] &= ~(1 << record)
    count = integers[N_CONTACTS] - 1
    integers[N_CONTACTS] = count
    for index in range(place, count):
        integers[CONTACT_ORDER + index] = integers[CONTACT_ORDER + index + 1]


@compiled
def destroy_contacts_of(lane: Pointer, integers: Pointer, body: int) -> None:
    """Removes every contact of a body that is about to go, newest first."""
    for place in range(integers[N_CONTACTS] - 1, -1, -1):
        contact = CONTACTS + integers[CONTACT_ORDER + place] * CONTACT_FIELDS
        if integers[contact + BODY_A] == body or integers[contact + BODY_B] == body:
            destroy_contact(lane, integers, place)


@compiled
def _overlap(lane: Pointer, first: int, second: int) -> Truth:
    return (
        get(lane, second) <= get(lane, first + 2)
        and get(lane, second + 1) <= get(lane, first + 3)
        and get(lane, first) <= get(lane, second + 2)
        and get(lane, first + 1) <= get(lane, second + 3)
    )


@compiled
def _update(lane: Pointer, reals: Pointer, integers: Pointer, record: int) -> None:
    contact = CONTACTS + record * CONTACT_FIELDS
    manifold = MANIFOLDS + record * MANIFOLD_FIELDS
    a, b = integers[contact + BODY_A], integers[contact + BODY_B]
    old_count = integers[contact + N_POINTS]
    if not _overlap(lane, SWEPT_BOXES + 4 * a, SWEPT_BOXES + 4 * b):
        integers[contact + N_POINTS] = 0
    else:
        normal, tangent = manifold + NORMAL_IMPULSES, manifold + TANGENT_IMPULSES
        first_id, second_id = integers[contact + IDS], integers[contact + IDS + 1]
        first_normal, second_normal = reals[normal], reals[normal + 1]
        first_tangent, second_tangent = reals[tangent], reals[tangent + 1]
        collide_boxes(reals, integers, manifold, contact, box_of(lane, a), box_of(lane, b))
        for point in range(integers[contact + N_POINTS]):
            identity = integers[contact + IDS + point]
            if old_count > 0 and first_id == identity:
                reals[normal + point] = first_normal
                reals[tangent + point] = first_tangent
            elif old_count > 1 and second_id == identity:
                reals[normal + point] = second_normal
                reals[tangent + point] = second_tangent
            else:
                reals[normal + point] = 0.0
                reals[tangent + point] = 0.0
    was_touching = integers[contact + TOUCHING]
    touching = 1 if integers[contact + N_POINTS] > 0 else 0
    if touching != was_touching:
        integers[contact + TOUCHING] = touching
        wake(lane, integers, a)
        wake(lane, integers, b)
        if touching:
            begin_contact(lane, reals, integers, record)


@compiled
def update_contacts(lane: Pointer, reals: Pointer, integers: Pointer) -> None:
    """Brings all contacts up to date, newest first, and drops those that ended.

    A contact whose bodies both sleep is left alone; one whose stored boxes no
    longer overlap is destroyed.
    """
    for place in range(integers[N_CONTACTS] - 1, -1, -1):
        record = integers[CONTACT_ORDER + place]
        contact = CONTACTS + record * CONTACT_FIELDS
        a, b = integers[contact + BODY_A], integers[contact + BODY_B]
        if integers[AWAKE] & ((1 << a) | (1 << b)) == 0:
            continue
        if _overlap(lane, STORED_BOXES + 4 * a, STORED_BOXES + 4 * b):
            _update(lane, reals, integers, record)
        else:
            destroy_contact(lane, integers, place)
