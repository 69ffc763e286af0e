"""Sine and cosine as each platform's browsers compute them, to the last bit.

Every platform reduces the argument to [-pi/4, pi/4] about a multiple of pi/2
and computes both functions there; which of the two is wanted, and its sign,
follows from the multiple. Node and Firefox do so by two variants of fdlibm's
published algorithm (Sun Microsystems, 1993), which are here: V8's, and that of
FreeBSD's msun, which adds up the polynomials in two halves, has another cosine
and reduces small arguments otherwise. The other platforms have modules of
their own.
"""

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from qwop_wr.simulator.exact import correct_rounding, glibc_trigonometry
from qwop_wr.simulator.exact.compilation import compiled
from qwop_wr.simulator.exact.layout import PLATFORM
from qwop_wr.simulator.exact.primitives import (
    Pointer,
    Real,
    absolute,
    bits_of,
    element,
    get,
    pair,
    quartered,
    rounded_down,
    select,
    width,
    with_element,
    with_sign_of,
)
from qwop_wr.simulator.exact.simd import NumbaType, float64x8, overloads
from qwop_wr.simulator.platforms import PLATFORMS

CHROMIUM: Final = PLATFORMS.index("chromium")
FIREFOX: Final = PLATFORMS.index("firefox")
CHROMIUM110: Final = PLATFORMS.index("chromium110")

INVERSE_HALF_PI: Final = 6.36619772367581382433e-01
HALF_PI_1: Final = 1.57079632673412561417e00
"""First 33 bits of pi/2."""
HALF_PI_1_TAIL: Final = 6.07710050650619224932e-11
HALF_PI_2: Final = 6.07710050630396597660e-11
HALF_PI_2_TAIL: Final = 2.02226624879595063154e-21
HALF_PI_3: Final = 2.02226624871116645580e-21
HALF_PI_3_TAIL: Final = 8.47842766036889956997e-32

S1: Final = -1.66666666666666324348e-01
S2: Final = 8.33333333332248946124e-03
S3: Final = -1.98412698298579493134e-04
S4: Final = 2.75573137070700676789e-06
S5: Final = -2.50507602534068634195e-08
S6: Final = 1.58969099521155010221e-10

C1: Final = 4.16666666666666019037e-02
C2: Final = -1.38888888888741095749e-03
C3: Final = 2.48015872894767294178e-05
C4: Final = -2.75573143513906633035e-07
C5: Final = 2.08757232129817482790e-09
C6: Final = -1.13596475577881948265e-11

# fdlibm compares upper 32-bit words; these are the floats at which they change.
UNREDUCED_BELOW: Final = float.fromhex("0x1.921fc00000000p-1")
PLAIN_COSINE_BELOW: Final = float.fromhex("0x1.3333300000000p-2")
FIXED_OFFSET_FROM: Final = float.fromhex("0x1.9000100000000p-1")
NEAR_HALF_PI_FROM: Final = float.fromhex("0x1.921fb00000000p+0")
NEAR_HALF_PI_BELOW: Final = float.fromhex("0x1.921fc00000000p+0")

# msun's: bounds of the quadrants that it reduces by explicit multiples, and the
# arguments near those multiples for which it does not.
ONE_QUADRANT_BELOW: Final = float.fromhex("0x1.2d97d00000000p+1")
TWO_QUADRANTS_BELOW: Final = float.fromhex("0x1.f6a7b00000000p+1")
THREE_QUADRANTS_BELOW: Final = float.fromhex("0x1.5fdbd00000000p+2")
FOUR_QUADRANTS_BELOW: Final = float.fromhex("0x1.c463c00000000p+2")
NEAR_MULTIPLE_FROM: Final = np.array(
    [math.inf, *map(float.fromhex, ("0x1.921fbp0", "0x1.921fbp1", "0x1.2d97cp2", "0x1.921fbp2"))]
)
NEAR_MULTIPLE_BELOW: Final = np.array(
    [math.inf, *map(float.fromhex, ("0x1.921fcp0", "0x1.921fcp1", "0x1.2d97dp2", "0x1.921fcp2"))]
)
TO_INTEGER: Final = 1.5 * 2.0**52
"""Added and taken away again, rounds to the nearest integer."""

CANCELLATION: Final = 2.0**-14
"""A remainder that is smaller than this part of the argument gets the careful reduction."""

LARGEST: Final = 823549.0
"""Arguments up to here, 2^19 times pi/2, are reduced as above; no angle comes near."""


@compiled
def _sine_from(x: Real, tail: Real, z: Real, r: Real, reduced: Real) -> Real:
    v = z * x
    return select(reduced, x - ((z * (0.5 * tail - v * r) - tail) - v * S1), x + v * (S1 + z * r))


@compiled
def _fdlibm_sine(x: Real, tail: Real, reduced: Real) -> Real:
    z = x * x
    return _sine_from(x, tail, z, S2 + z * (S3 + z * (S4 + z * (S5 + z * S6))), reduced)


@compiled
def _fdlibm_cosine(x: Real, tail: Real) -> Real:
    size = absolute(x)
    z = x * x
    r = z * (C1 + z * (C2 + z * (C3 + z * (C4 + z * (C5 + z * C6)))))
    offset = select(size >= FIXED_OFFSET_FROM, 0.28125, quartered(size))
    offset = select(size < PLAIN_COSINE_BELOW, 0.0, offset)
    return (1.0 - offset) - ((0.5 * z - offset) - (z * r - x * tail))


@compiled
def _msun_sine(x: Real, tail: Real, reduced: Real) -> Real:
    z = x * x
    w = z * z
    return _sine_from(x, tail, z, S2 + z * (S3 + z * S4) + z * w * (S5 + z * S6), reduced)


@compiled
def _msun_cosine(x: Real, tail: Real) -> Real:
    z = x * x
    w = z * z
    r = z * (C1 + z * (C2 + z * C3)) + w * w * (C4 + z * (C5 + z * C6))
    half = 0.5 * z
    rest = 1.0 - half
    return rest + (((1.0 - rest) - half) + (z * r - x * tail))


@compiled
def _in_steps(size: float, quadrant: float) -> tuple[float, float]:
    """Returns remainder and tail with as many parts of pi/2 as cancellation asks for."""
    exponent = math.frexp(size)[1]
    rest = size - quadrant * HALF_PI_1
    rounding = quadrant * HALF_PI_1_TAIL
    remainder = rest - rounding
    if remainder == 0.0 or exponent - math.frexp(remainder)[1] > 16:
        before = rest
        rounding = quadrant * HALF_PI_2
        rest = before - rounding
        rounding = quadrant * HALF_PI_2_TAIL - ((before - rest) - rounding)
        remainder = rest - rounding
        if remainder == 0.0 or exponent - math.frexp(remainder)[1] > 49:
            before = rest
            rounding = quadrant * HALF_PI_3
            rest = before - rounding
            rounding = quadrant * HALF_PI_3_TAIL - ((before - rest) - rounding)
            remainder = rest - rounding
    return remainder, (rest - remainder) - rounding


@compiled
def _careful_remainder(size: float, quadrant: float) -> tuple[float, float]:
    if NEAR_HALF_PI_FROM <= size < NEAR_HALF_PI_BELOW:
        rest = (size - HALF_PI_1) - HALF_PI_2
        remainder = rest - HALF_PI_2_TAIL
        return remainder, (rest - remainder) - HALF_PI_2_TAIL
    return _in_steps(size, quadrant)


@compiled
def _remainder(size: Real, quadrant: Real) -> tuple[Real, Real]:
    rest = size - quadrant * HALF_PI_1
    rounding = quadrant * HALF_PI_1_TAIL
    remainder = rest - rounding
    return remainder, (rest - remainder) - rounding


@compiled
def _fdlibm(size: Real) -> tuple[Real, Real, Real]:
    quadrant = select(size < UNREDUCED_BELOW, 0.0, rounded_down(size * INVERSE_HALF_PI + 0.5))
    remainder, tail = _remainder(size, quadrant)
    doubtful = bits_of(absolute(remainder) < size * CANCELLATION)
    if doubtful != 0:
        for lane in range(width(size)):
            if (doubtful >> lane) & 1:
                exact, exact_tail = _careful_remainder(element(size, lane), element(quadrant, lane))
                remainder = with_element(remainder, lane, exact)
                tail = with_element(tail, lane, exact_tail)
    sine = _fdlibm_sine(remainder, tail, quadrant > 0.0)
    return sine, _fdlibm_cosine(remainder, tail), quadrant


@compiled
def _msun_quadrant(size: Real) -> Real:
    quadrant = (size * INVERSE_HALF_PI + TO_INTEGER) - TO_INTEGER
    quadrant = select(size < FOUR_QUADRANTS_BELOW, 4.0, quadrant)
    quadrant = select(size < THREE_QUADRANTS_BELOW, 3.0, quadrant)
    quadrant = select(size < TWO_QUADRANTS_BELOW, 2.0, quadrant)
    quadrant = select(size < ONE_QUADRANT_BELOW, 1.0, quadrant)
    return select(size < UNREDUCED_BELOW, 0.0, quadrant)


@compiled
def _msun_careful(
    size: float, quadrant: float, remainder: float, tail: float
) -> tuple[float, float]:
    if quadrant <= 4.0:
        multiple = int(quadrant)
        if not NEAR_MULTIPLE_FROM[multiple] <= size < NEAR_MULTIPLE_BELOW[multiple]:
            return remainder, tail
    return _in_steps(size, quadrant)


@compiled
def _msun(size: Real) -> tuple[Real, Real, Real]:
    quadrant = _msun_quadrant(size)
    remainder, tail = _remainder(size, quadrant)
    doubtful = bits_of(absolute(remainder) < size * CANCELLATION)
    if doubtful != 0:
        for lane in range(width(size)):
            if (doubtful >> lane) & 1:
                exact, exact_tail = _msun_careful(
                    element(size, lane),
                    element(quadrant, lane),
                    element(remainder, lane),
                    element(tail, lane),
                )
                remainder = with_element(remainder, lane, exact)
                tail = with_element(tail, lane, exact_tail)
    sine = _msun_sine(remainder, tail, quadrant > 0.0)
    return sine, _msun_cosine(remainder, tail), quadrant


@compiled
def sine_cosine_on(platform: int, x: Real) -> tuple[Real, Real]:
    """Computes sine and cosine as a platform's browsers do.

    Args:
        platform: Index of the platform in ``PLATFORMS``.
        x: Angle [rad] or eight of them, at most :data:`LARGEST` in size.
    """
    size = absolute(x)
    if platform == CHROMIUM:
        sine, cosine, quadrant = correct_rounding.reduced_sine_cosine(size)
    elif platform == FIREFOX:
        sine, cosine, quadrant = _msun(size)
    elif platform == CHROMIUM110:
        sine, cosine, quadrant = glibc_trigonometry.reduced_sine_cosine(size)
    else:
        sine, cosine, quadrant = _fdlibm(size)
    half = 0.5 * quadrant
    whole = rounded_down(half)
    odd = whole < half
    upper = rounded_down(0.5 * whole) < 0.5 * whole
    swapped_sine = select(odd, cosine, sine)
    swapped_cosine = select(odd, sine, cosine)
    negative = (upper & ~odd) | (~upper & odd)
    return (
        select(upper, -swapped_sine, swapped_sine) * with_sign_of(1.0, x),
        select(negative, -swapped_cosine, swapped_cosine),
    )


@compiled
def _platform_of(lane: Pointer) -> int:
    # All games of a group are on one platform.
    return int(element(get(lane, PLATFORM), 0))


@compiled
def sine_cosine(lane: Pointer, x: Real) -> tuple[Real, Real]:
    """Computes sine and cosine on the platform of a game; see :func:`sine_cosine_on`."""
    return sine_cosine_on(_platform_of(lane), x)


def sines_cosines(lane: Pointer, first: Real, second: Real) -> tuple[Real, Real, Real, Real]:
    """Computes the sines and cosines of two angles, or of two times eight.

    Two plain angles share a vector, which costs little more than one of them.
    """
    return *sine_cosine(lane, first), *sine_cosine(lane, second)


@overloads(sines_cosines)
def _compiled_sines_cosines(
    lane: NumbaType, first: NumbaType, second: NumbaType
) -> Callable[..., object]:
    def of_lanes(lane: Pointer, first: Real, second: Real) -> tuple[Real, Real, Real, Real]:
        sine, cosine = sine_cosine(lane, first)
        other_sine, other_cosine = sine_cosine(lane, second)
        return sine, cosine, other_sine, other_cosine

    def of_floats(lane: Pointer, first: Real, second: Real) -> tuple[Real, Real, Real, Real]:
        sines, cosines = sine_cosine_on(_platform_of(lane), pair(first, second))
        return element(sines, 0), element(cosines, 0), element(sines, 1), element(cosines, 1)

    return of_lanes if first == float64x8 else of_floats
