"""Contact points of two boxes: separating axes, reference face, clipping, place in the world.

Boxes have their vertices and edge normals in a fixed order: from
(-half width, -half height) along the sides, y pointing down. Everything keeps
the original's order of operations and of comparisons.
"""

from typing import Final, NamedTuple

import numpy as np

from qwop_wr.simulator.exact.compilation import compiled
from qwop_wr.simulator.exact.layout import (
    BODY_A,
    BODY_B,
    BODY_FIELDS,
    COSINE,
    FLIPPED,
    IDS,
    N_POINTS,
    NORMAL,
    PLANE,
    POINTS,
    SINE,
    X,
    Y,
)
from qwop_wr.simulator.exact.primitives import Pointer, get
from qwop_wr.simulator.exact.tables import HALF_HEIGHT, HALF_WIDTH

RADIUS: Final = 0.005
"""Skin of every polygon [units]."""

TOTAL_RADIUS: Final = RADIUS + RADIUS
RELATIVE_TOLERANCE: Final = 0.98
ABSOLUTE_TOLERANCE: Final = 0.001
LARGE: Final = 1.7976931348623157e308

_NORMAL_X: Final = np.array([0.0, 1.0, 0.0, -1.0])
_NORMAL_Y: Final = np.array([-1.0, 0.0, 1.0, 0.0])
_VERTEX_X: Final = np.array([-1.0, 1.0, 1.0, -1.0])
_VERTEX_Y: Final = np.array([-1.0, -1.0, 1.0, 1.0])


class Box(NamedTuple):
    """A box in the world: centre and half extents along its own axes [units]."""

    x: float
    y: float
    sine: float
    cosine: float
    half_width: float
    half_height: float


class Vector(NamedTuple):
    """A point or a direction in the world."""

    x: float
    y: float


class Face(NamedTuple):
    """The face that separates most, and by how much."""

    edge: int
    separation: float


class ClipPoint(NamedTuple):
    """An end of the clipped incident edge with the feature it comes from."""

    x: float
    y: float
    identity: int


@compiled
def box_of(lane: Pointer, body: int) -> Box:
    """Returns a body's box where it is now."""
    field = body * BODY_FIELDS
    return Box(
        get(lane, field + X),
        get(lane, field + Y),
        get(lane, field + SINE),
        get(lane, field + COSINE),
        HALF_WIDTH[body],
        HALF_HEIGHT[body],
    )


@compiled
def _vertex(box: Box, index: int) -> Vector:
    x, y = _VERTEX_X[index] * box.half_width, _VERTEX_Y[index] * box.half_height
    return Vector(box.x + (box.cosine * x - box.sine * y), box.y + (box.sine * x + box.cosine * y))


@compiled
def _normal(box: Box, edge: int) -> Vector:
    x, y = _NORMAL_X[edge], _NORMAL_Y[edge]
    return Vector(box.cosine * x - box.sine * y, box.sine * x + box.cosine * y)


@compiled
def _into_frame(box: Box, direction: Vector) -> Vector:
    return Vector(
        box.cosine * direction.x + box.sine * direction.y,
        -box.sine * direction.x + box.cosine * direction.y,
    )


@compiled
def _support(box: Box, against: Vector) -> int:
    found = 0
    least = LARGE
    for index in range(4):
        x, y = _VERTEX_X[index] * box.half_width, _VERTEX_Y[index] * box.half_height
        along = x * against.x + y * against.y
        if along < least:
            least = along
            found = index
    return found


@compiled
def _facing(towards: Vector) -> int:
    found = 0
    most = -LARGE
    for index in range(4):
        along = _NORMAL_X[index] * towards.x + _NORMAL_Y[index] * towards.y
        if along > most:
            most = along
            found = index
    return found


@compiled
def _edge_separation(one: Box, edge: int, other: Box) -> float:
    normal = _normal(one, edge)
    start = _vertex(one, edge)
    end = _vertex(other, _support(other, _into_frame(other, normal)))
    return (end.x - start.x) * normal.x + (end.y - start.y) * normal.y


@compiled
def _separating_face(one: Box, other: Box) -> Face:
    edge = _facing(_into_frame(one, Vector(other.x - one.x, other.y - one.y)))
    best = _edge_separation(one, edge, other)
    before = _edge_separation(one, (edge + 3) & 3, other)
    after = _edge_separation(one, (edge + 1) & 3, other)
    if before > best and before > after:
        step = 3
        edge = (edge + 3) & 3
        best = before
    elif after > best:
        step = 1
        edge = (edge + 1) & 3
        best = after
    else:
        return Face(edge, best)
    while True:
        candidate = (edge + step) & 3
        separation = _edge_separation(one, candidate, other)
        if separation <= best:
            return Face(edge, best)
        edge = candidate
        best = separation


@compiled
def _incident_edge(reference: Box, edge: int, incident: Box) -> int:
    local = _into_frame(incident, _normal(reference, edge))
    found = 0
    least = LARGE
    for index in range(4):
        along = local.x * _NORMAL_X[index] + local.y * _NORMAL_Y[index]
        if along < least:
            least = along
            found = index
    return found


@compiled
def _clip(
    first: ClipPoint, second: ClipPoint, normal: Vector, offset: float
) -> tuple[bool, ClipPoint, ClipPoint]:
    one = normal.x * first.x + normal.y * first.y - offset
    two = normal.x * second.x + normal.y * second.y - offset
    if one <= 0.0 and two <= 0.0:
        return True, first, second
    if one * two < 0.0:
        part = one / (one - two)
        x = first.x + part * (second.x - first.x)
        y = first.y + part * (second.y - first.y)
        if one > 0.0:
            return True, second, ClipPoint(x, y, first.identity)
        return True, first, ClipPoint(x, y, second.identity)
    return False, first, second


@compiled
def _write_manifold(
    reals: Pointer,
    integers: Pointer,
    manifold: int,
    contact: int,
    reference: Box,
    edge: int,
    incident: Box,
    flipped: int,
) -> None:
    index = _incident_edge(reference, edge, incident)
    following = (index + 1) & 3
    one, two = _vertex(incident, index), _vertex(incident, following)
    key = edge | (flipped << 24)
    first = ClipPoint(one.x, one.y, key | (index << 8))
    second = ClipPoint(two.x, two.y, key | (following << 8) | (1 << 16))

    start_x = _VERTEX_X[edge] * reference.half_width
    start_y = _VERTEX_Y[edge] * reference.half_height
    end_x = _VERTEX_X[(edge + 1) & 3] * reference.half_width
    end_y = _VERTEX_Y[(edge + 1) & 3] * reference.half_height
    tangent_x, tangent_y = end_x - start_x, end_y - start_y
    scale = 1.0 / np.sqrt(tangent_x * tangent_x + tangent_y * tangent_y)
    tangent_x *= scale
    tangent_y *= scale
    tangent = Vector(
        reference.cosine * tangent_x - reference.sine * tangent_y,
        reference.sine * tangent_x + reference.cosine * tangent_y,
    )
    normal = Vector(tangent.y, -tangent.x)
    start, end = _vertex(reference, edge), _vertex(reference, (edge + 1) & 3)
    front = normal.x * start.x + normal.y * start.y
    side = -tangent.x * start.x - tangent.y * start.y + TOTAL_RADIUS
    both, first, second = _clip(first, second, Vector(-tangent.x, -tangent.y), side)
    if not both:
        return
    side = tangent.x * end.x + tangent.y * end.y + TOTAL_RADIUS
    both, first, second = _clip(first, second, tangent, side)
    if not both:
        return

    reals[manifold + NORMAL] = tangent_y
    reals[manifold + NORMAL + 1] = -tangent_x
    reals[manifold + PLANE] = 0.5 * (start_x + end_x)
    reals[manifold + PLANE + 1] = 0.5 * (start_y + end_y)
    count = 0
    for point in (first, second):
        if normal.x * point.x + normal.y * point.y - front <= TOTAL_RADIUS:
            local = _into_frame(incident, Vector(point.x - incident.x, point.y - incident.y))
            reals[manifold + POINTS + 2 * count] = local.x
            reals[manifold + POINTS + 2 * count + 1] = local.y
            integers[contact + IDS + count] = point.identity
            count += 1
    integers[contact + N_POINTS] = count


@compiled
def collide_boxes(
    reals: Pointer, integers: Pointer, manifold: int, contact: int, a: Box, b: Box
) -> None:
    """Finds where two boxes touch and stores it: face, local points, features."""
    integers[contact + N_POINTS] = 0
    face_a = _separating_face(a, b)
    if face_a.separation > TOTAL_RADIUS:
        return
    face_b = _separating_face(b, a)
    if face_b.separation > TOTAL_RADIUS:
        return
    # One call with either box as the reference: two would be compiled twice.
    flipped = int(face_b.separation > RELATIVE_TOLERANCE * face_a.separation + ABSOLUTE_TOLERANCE)
    integers[contact + FLIPPED] = flipped
    reference, incident = (b, a) if flipped else (a, b)
    edge = face_b.edge if flipped else face_a.edge
    _write_manifold(reals, integers, manifold, contact, reference, edge, incident, flipped)


@compiled
def _to_world(lane: Pointer, body: int, x: float, y: float) -> tuple[float, float]:
    # Position plus first column, plus second column: another rounding than in
    # the position solver.
    field = body * BODY_FIELDS
    sine, cosine = get(lane, field + SINE), get(lane, field + COSINE)
    return (
        (get(lane, field + X) + cosine * x) - sine * y,
        (get(lane, field + Y) + sine * x) + cosine * y,
    )


@compiled
def world_normal(
    lane: Pointer, reals: Pointer, integers: Pointer, contact: int, manifold: int
) -> tuple[float, float, float, float]:
    """Turns the reference face into the world.

    Returns:
        The face's outward normal and its middle: normal x, y, point x, y.
    """
    flipped = integers[contact + FLIPPED]
    body = integers[contact + (BODY_B if flipped else BODY_A)]
    field = body * BODY_FIELDS
    sine, cosine = get(lane, field + SINE), get(lane, field + COSINE)
    x, y = reals[manifold + NORMAL], reals[manifold + NORMAL + 1]
    plane_x, plane_y = _to_world(lane, body, reals[manifold + PLANE], reals[manifold + PLANE + 1])
    return cosine * x - sine * y, sine * x + cosine * y, plane_x, plane_y


@compiled
def world_point(
    lane: Pointer,
    reals: Pointer,
    integers: Pointer,
    contact: int,
    manifold: int,
    point: int,
    face: tuple[float, float, float, float],
) -> tuple[float, float]:
    """Places a contact point, 0 or 1, midway between the two skins.

    ``face`` is what :func:`world_normal` returned.
    """
    normal_x, normal_y, plane_x, plane_y = face
    incident = integers[contact + (BODY_A if integers[contact + FLIPPED] else BODY_B)]
    place = manifold + POINTS + 2 * point
    x, y = _to_world(lane, incident, reals[place], reals[place + 1])
    depth = ((RADIUS - (x - plane_x) * normal_x) - (y - plane_y) * normal_y) - RADIUS
    return x + 0.5 * depth * normal_x, y + 0.5 * depth * normal_y
