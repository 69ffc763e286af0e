"""Sine and cosine by the algorithms of fdlibm, to the last bit.

The published algorithm (Sun Microsystems, 1993) reduces the argument by a
multiple of pi/2 in two or three parts and evaluates a polynomial for each
function on [-pi/4, pi/4]. Browsers of the V8 family use it, and the C
library's functions differ from it in the last bit for about 3 % of arguments.
Both functions are wanted together here, so both kernels are evaluated and the
quadrant selects.
"""

import math
from collections.abc import Callable
from typing import Final

from qwop_wr.simulator.exact.compilation import compiled
from qwop_wr.simulator.exact.primitives import (
    Real,
    absolute,
    bits_of,
    element,
    pair,
    quartered,
    rounded_down,
    select,
    width,
    with_element,
)
from qwop_wr.simulator.exact.simd import float64x8
from qwop_wr.simulator.exact.toolchain import NumbaType, overloads

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

CANCELLATION: Final = 2.0**-14
"""A remainder that is smaller than this part of the argument gets the careful reduction."""

LARGEST: Final = 823549.0
"""Arguments up to here, 2^19 times pi/2, are reduced as fdlibm does; no angle comes near."""


@compiled
def _kernel_sine(x: Real, tail: Real, reduced: Real) -> Real:
    z = x * x
    v = z * x
    r = S2 + z * (S3 + z * (S4 + z * (S5 + z * S6)))
    return select(
        reduced,
        x - ((z * (0.5 * tail - v * r) - tail) - v * S1),
        x + v * (S1 + z * r),
    )


@compiled
def _kernel_cosine(x: Real, tail: Real) -> Real:
    size = absolute(x)
    z = x * x
    r = z * (C1 + z * (C2 + z * (C3 + z * (C4 + z * (C5 + z * C6)))))
    offset = select(size >= FIXED_OFFSET_FROM, 0.28125, quartered(size))
    offset = select(size < PLAIN_COSINE_BELOW, 0.0, offset)
    return (1.0 - offset) - ((0.5 * z - offset) - (z * r - x * tail))


@compiled
def _in_quadrant(x: Real, quadrant: Real, remainder: Real, tail: Real) -> tuple[Real, Real]:
    sine = _kernel_sine(remainder, tail, quadrant > 0.0)
    cosine = _kernel_cosine(remainder, tail)
    half = 0.5 * quadrant
    whole = rounded_down(half)
    odd = whole < half
    upper = rounded_down(0.5 * whole) < 0.5 * whole
    swapped_sine = select(odd, cosine, sine)
    swapped_cosine = select(odd, sine, cosine)
    negative_sine = (upper & ~(x < 0.0)) | (~upper & (x < 0.0))
    negative_cosine = (upper & ~odd) | (~upper & odd)
    return (
        select(negative_sine, -swapped_sine, swapped_sine),
        select(negative_cosine, -swapped_cosine, swapped_cosine),
    )


@compiled
def _careful_remainder(size: float, quadrant: float) -> tuple[float, float]:
    if NEAR_HALF_PI_FROM <= size < NEAR_HALF_PI_BELOW:
        rest = (size - HALF_PI_1) - HALF_PI_2
        remainder = rest - HALF_PI_2_TAIL
        return remainder, (rest - remainder) - HALF_PI_2_TAIL
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
def sine_cosine(x: Real) -> tuple[Real, Real]:
    """Sine and cosine as fdlibm computes them.

    Args:
        x: Angle [rad] or eight of them, at most :data:`LARGEST` in size.

    Returns:
        The sine and the cosine.
    """
    size = absolute(x)
    quadrant = select(size < UNREDUCED_BELOW, 0.0, rounded_down(size * INVERSE_HALF_PI + 0.5))
    rest = size - quadrant * HALF_PI_1
    rounding = quadrant * HALF_PI_1_TAIL
    remainder = rest - rounding
    tail = (rest - remainder) - rounding
    doubtful = bits_of(absolute(remainder) < size * CANCELLATION)
    if doubtful != 0:
        for lane in range(width(x)):
            if (doubtful >> lane) & 1:
                exact, exact_tail = _careful_remainder(element(size, lane), element(quadrant, lane))
                remainder = with_element(remainder, lane, exact)
                tail = with_element(tail, lane, exact_tail)
    return _in_quadrant(x, quadrant, remainder, tail)


def sines_cosines(first: Real, second: Real) -> tuple[Real, Real, Real, Real]:
    """Sines and cosines of two angles, or of two times eight.

    Two plain angles share a vector, which costs little more than one of them.

    Args:
        first: An angle [rad] or eight of them.
        second: Another.

    Returns:
        Sine and cosine of the first, sine and cosine of the second.
    """
    return *sine_cosine(first), *sine_cosine(second)


@overloads(sines_cosines)
def _compiled_sines_cosines(first: NumbaType, second: NumbaType) -> Callable[..., object]:
    def of_lanes(first: Real, second: Real) -> tuple[Real, Real, Real, Real]:
        sine, cosine = sine_cosine(first)
        other_sine, other_cosine = sine_cosine(second)
        return sine, cosine, other_sine, other_cosine

    def of_floats(first: Real, second: Real) -> tuple[Real, Real, Real, Real]:
        sines, cosines = sine_cosine(pair(first, second))
        return element(sines, 0), element(cosines, 0), element(sines, 1), element(cosines, 1)

    del second
    return of_lanes if first == float64x8 else of_floats
