"""Correctly rounded sine and cosine: what Chromium computes from version 152 on.

There is one right answer, so no algorithm has to be followed. A fast step computes
both functions as unevaluated sums of two floats, with a bound on the error. Where
the bound leaves the rounding in doubt, once in some four thousand values, a second
step computes every term with two floats; where that is not enough, which nobody has
seen but near multiples of pi/2, a third one takes three. Published hard cases of both
functions need about 120 bits; the third step has 140 (100 next to a multiple of pi/2).

The arithmetic of pairs is that of T. J. Dekker, "A floating-point technique for
extending the available precision", Numerische Mathematik 18 (1971), with products by
fused multiply-add; the test of the rounding is A. Ziv's, "Fast evaluation of
elementary mathematical functions with correctly rounded last bit", ACM TOMS 17 (1991).
"""

from fractions import Fraction
from math import factorial
from typing import Final

import numpy as np

from qwop_wr.simulator.exact.compilation import compiled
from qwop_wr.simulator.exact.primitives import (
    Real,
    Truth,
    absolute,
    bits_of,
    element,
    fused,
    rounded_down,
    width,
    with_element,
)

INVERSE_HALF_PI: Final = 6.36619772367581382433e-01
# pi/2 in three parts of 33 bits, whose products with a quadrant below 2^20 are
# exact, and the rest.
HALF_PI_1: Final = float.fromhex("0x1.921fb54400000p+0")
HALF_PI_2: Final = float.fromhex("0x1.0b4611a600000p-34")
HALF_PI_3: Final = float.fromhex("0x1.3198a2e000000p-69")
HALF_PI_4: Final = float.fromhex("0x1.b839a252049c1p-104")
HALF_PI_REST: Final = float.fromhex("0x1.0b4611a626331p-34")
"""pi/2 less its first part, rounded."""


def _in_parts(number: Fraction, count: int) -> tuple[float, ...]:
    parts = []
    for _ in range(count):
        parts.append(float(number))
        number -= Fraction(parts[-1])
    return tuple(parts)


def _coefficient(power: int) -> Fraction:
    return Fraction((-1) ** (power // 2), factorial(power))


# Taylor coefficients of sine and cosine by power, the first ones as pairs.
S3, S3_LOW = _in_parts(_coefficient(3), 2)
S5, S5_LOW = _in_parts(_coefficient(5), 2)
C4, C4_LOW = _in_parts(_coefficient(4), 2)
S7, S9, S11, S13, S15, S17, S19, S21 = (float(_coefficient(n)) for n in range(7, 22, 2))
C6, C8, C10, C12, C14, C16, C18, C20, C22 = (float(_coefficient(n)) for n in range(6, 23, 2))

LAST_POWER: Final = 37
"""Last power of the careful steps; the next one is below 2^-150."""

TAYLOR: Final = np.array([_in_parts(_coefficient(n), 3) for n in range(LAST_POWER + 1)])
"""Coefficients by power as sums of three floats, shape (LAST_POWER + 1, 3)."""

# Bounds of the errors, within [-pi/4, pi/4].
REDUCTION_ERROR: Final = 2.0**-86
"""Of the reduced argument, per quadrant: of HALF_PI_REST, and of one difference."""
SERIES_ERROR: Final = 2.0**-80
"""Relative, of both series: the first power that the fast step leaves out."""
SINE_ERROR: Final = 2.0**-63.1
"""Relative, times the cube of the squared argument: four roundings of the seventh power's
term, which are those of its coefficient, of the square and of two operations."""
COSINE_ERROR: Final = 2.0**-60.4
"""The same of the sixth power's term."""
PAIR_ERROR: Final = 2.0**-95
"""Relative, of the second step: some forty roundings of products of pairs."""


@compiled
def two_sum(one: Real, other: Real) -> tuple[Real, Real]:
    """Returns a sum and its rounding error."""
    total = one + other
    part = total - one
    return total, (one - (total - part)) + (other - part)


@compiled
def _times(high: Real, low: Real, other: Real, other_low: Real) -> tuple[Real, Real]:
    product = high * other
    return product, fused(high, other_low, fused(low, other, fused(high, other, -product)))


@compiled
def _plus(large: Real, large_low: Real, small: Real, small_low: Real) -> tuple[Real, Real]:
    total = large + small
    return total, ((large - total) + small) + (small_low + large_low)


@compiled
def _sine_series(r: Real, z: Real, z_low: Real) -> tuple[Real, Real]:
    rest = fused(z, fused(z, fused(z, S21, S19), S17), S15)
    rest = fused(z, fused(z, fused(z, fused(z, rest, S13), S11), S9), S7)
    high, low = _plus(S5, S5_LOW, z * rest, 0.0)
    high, low = _times(z, z_low, high, low)
    high, low = _plus(S3, S3_LOW, high, low)
    high, low = _times(z, z_low, high, low)
    product = r * high
    return _plus(r, 0.0, product, fused(r, low, fused(r, high, -product)))


@compiled
def _cosine_series(z: Real, z_low: Real) -> tuple[Real, Real]:
    rest = fused(z, fused(z, fused(z, C22, C20), C18), C16)
    rest = fused(z, fused(z, fused(z, fused(z, fused(z, rest, C14), C12), C10), C8), C6)
    high, low = _plus(C4, C4_LOW, z * rest, 0.0)
    high, low = _times(z, z_low, high, low)
    high, low = _plus(-0.5, 0.0, high, low)
    high, low = _times(z, z_low, high, low)
    return _plus(1.0, 0.0, high, low)


@compiled
def _reduced(size: Real, quadrant: Real) -> tuple[Real, Real]:
    # The first product and its difference are exact, as is the difference of the last line
    # unless the rest is tiny.
    rest = size - quadrant * HALF_PI_1
    high = fused(-quadrant, HALF_PI_REST, rest)
    return high, fused(-quadrant, HALF_PI_REST, rest - high)


@compiled
def _rounded(high: Real, low: Real, error: Real) -> tuple[Real, Truth]:
    """Returns a pair as one float, and whether the error leaves no doubt about it."""
    upper, lower = high + (low + error), high + (low - error)
    return upper, upper <= lower


@compiled
def reduced_sine_cosine(size: Real) -> tuple[Real, Real, Real]:
    """Computes the correctly rounded sine and cosine of the argument within its quadrant.

    Args:
        size: Angle [rad] or eight of them, not negative, below 2^19 pi/2.

    Returns:
        Sine and cosine of the angle less a multiple of pi/2, and the multiple.
    """
    quadrant = rounded_down(fused(size, INVERSE_HALF_PI, 0.5))
    r, r_low = _reduced(size, quadrant)
    z = r * r
    z_low = fused(r, r, -z)
    cube = z * z * z
    reduction_error = quadrant * REDUCTION_ERROR
    sine, sine_low = _sine_series(r, z, z_low)
    cosine, cosine_low = _cosine_series(z, z_low)
    sine_error = fused(absolute(sine), fused(cube, SINE_ERROR, SERIES_ERROR), reduction_error)
    cosine_error = fused(cube, COSINE_ERROR, reduction_error + SERIES_ERROR)
    rounded_sine, sine_sure = _rounded(sine, fused(r_low, cosine, sine_low), sine_error)
    rounded_cosine, cosine_sure = _rounded(cosine, fused(-r_low, sine, cosine_low), cosine_error)
    if bits_of(~(sine_sure & cosine_sure)) != 0:
        rounded_sine, rounded_cosine = _with_pairs(size, quadrant)
    return rounded_sine, rounded_cosine, quadrant


@compiled
def _pair_series(z: Real, z_low: Real, power: int) -> tuple[Real, Real]:
    high, low = 0.0 * z + TAYLOR[power, 0], 0.0 * z + TAYLOR[power, 1]
    while power > 1:
        power -= 2
        high, low = _times(z, z_low, high, low)
        high, low = _plus(TAYLOR[power, 0], TAYLOR[power, 1], high, low)
    return high, low


@compiled
def _with_pairs(size: Real, quadrant: Real) -> tuple[Real, Real]:
    r, r_low = _reduced(size, quadrant)
    z, z_low = _times(r, r_low, r, r_low)
    high, low = _pair_series(z, z_low, LAST_POWER)
    sine, sine_low = _times(r, r_low, high, low)
    cosine, cosine_low = _pair_series(z, z_low, LAST_POWER - 1)
    reduction_error = quadrant * REDUCTION_ERROR
    sine_error = fused(absolute(sine), PAIR_ERROR, reduction_error)
    sine, sine_sure = _rounded(sine, sine_low, sine_error)
    cosine, cosine_sure = _rounded(cosine, cosine_low, reduction_error + PAIR_ERROR)
    doubtful = bits_of(~(sine_sure & cosine_sure))
    if doubtful != 0:
        for lane in range(width(size)):
            if (doubtful >> lane) & 1:
                lane_sine, lane_cosine = _with_triples(element(size, lane), element(quadrant, lane))
                sine = with_element(sine, lane, lane_sine)
                cosine = with_element(cosine, lane, lane_cosine)
    return sine, cosine


Triple = tuple[float, float, float]


@compiled
def _normalised(a: float, b: float, c: float) -> Triple:
    b, c = two_sum(b, c)
    a, b = two_sum(a, b)
    b, c = two_sum(b, c)
    return a, b, c


@compiled
def _product(x: Triple, y: Triple) -> Triple:
    first = x[0] * y[0]
    left, right = x[0] * y[1], x[1] * y[0]
    second, rest = two_sum(left, right)
    second, more = two_sum(second, fused(x[0], y[0], -first))
    rest = rest + more + fused(x[0], y[1], -left) + fused(x[1], y[0], -right)
    return _normalised(first, second, rest + (x[0] * y[2] + x[1] * y[1] + x[2] * y[0]))


@compiled
def _sum(x: Triple, y: Triple) -> Triple:
    first, rest = two_sum(x[0], y[0])
    second, more = two_sum(x[1], y[1])
    second, rest = two_sum(second, rest)
    return _normalised(first, second, rest + more + (x[2] + y[2]))


@compiled
def _to_nearest(x: Triple) -> float:
    # Halfway between two floats the third part decides.
    halfway = x[1] != 0.0 and (x[0] + 2.0 * x[1]) - x[0] == 2.0 * x[1]
    if halfway and (x[1] > 0.0) == (x[2] > 0.0) and x[2] != 0.0:
        return x[0] + 2.0 * x[1]
    return x[0]


@compiled
def _series(square: Triple, power: int) -> Triple:
    total = (TAYLOR[power, 0], TAYLOR[power, 1], TAYLOR[power, 2])
    while power > 1:
        power -= 2
        term = (TAYLOR[power, 0], TAYLOR[power, 1], TAYLOR[power, 2])
        total = _sum(term, _product(square, total))
    return total


@compiled
def _with_triples(size: float, quadrant: float) -> tuple[float, float]:
    rest, low = two_sum(size - quadrant * HALF_PI_1, -(quadrant * HALF_PI_2))
    low, lowest = two_sum(low, -(quadrant * HALF_PI_3))
    r = _normalised(rest, low, lowest - quadrant * HALF_PI_4)
    square = _product(r, r)
    sine = _to_nearest(_product(r, _series(square, LAST_POWER)))
    return sine, _to_nearest(_series(square, LAST_POWER - 1))
