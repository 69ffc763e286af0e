"""Contact points in the world, as the velocity solver and the rules see them."""

from qwop_wr.simulator.exact.compilation import compiled
from qwop_wr.simulator.exact.layout import (
    BODY_A,
    BODY_B,
    BODY_FIELDS,
    COSINE,
    FLIPPED,
    NORMAL,
    PLANE,
    POINTS,
    SINE,
    X,
    Y,
)
from qwop_wr.simulator.exact.narrow_phase import RADIUS
from qwop_wr.simulator.exact.primitives import Pointer, get


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
