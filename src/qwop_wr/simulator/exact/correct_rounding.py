"""Correctly rounded sine and cosine: what Chromium computes from version 152 on.

There is one right answer, so no algorithm has to be followed. A fast step
computes both functions as unevaluated sums of two floats with a bound on the
error; where the bound leaves the rounding in doubt, which happens about once
in ten thousand values, a second step computes with three floats. Published
hard cases of both functions need about 120 bits; the second step has 140.

The arithmetic of pairs is that of T. J. Dekker, "A floating-point technique
for extending the available precision", Numerische Mathematik 18 (1971), with
products by fused multiply-add; the test of the rounding is A. Ziv's, "Fast
evaluation of elementary mathematical functions with correctly rounded last
bit", ACM TOMS 17 (1991).
"""

from fractions import Fraction
from math import factorial
from typing import Final

import numpy as np

from qwop_wr.simulator.exact.compilation import compiled
from qwop_wr.simulator.exact.primitives import (
    Real,
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
HALF_PI_REST: Final = float.fromhex("0x1.3198a2e037073p-69")
"""pi/2 less its first two parts, rounded."""


def _in_parts(number: Fraction, count: int) -> tuple[float, ...]:
    parts = []
    for _ in range(count):
        parts.append(float(number))
        number -= Fraction(parts[-1])
    return tuple(parts)


def _coefficient(power: int) -> Fraction:
    return Fraction((-1) ** (power // 2), factorial(power))


# Taylor coefficients of sine and cosine by power, as pairs and rounded.
S3, S3_LOW = _in_parts(_coefficient(3), 2)
S5, S5_LOW = _in_parts(_coefficient(5), 2)
C4, C4_LOW = _in_parts(_coefficient(4), 2)
C6, C6_LOW = _in_parts(_coefficient(6), 2)
S7, S9, S11, S13, S15, S17, S19, S21 = (float(_coefficient(n)) for n in range(7, 22, 2))
C8, C10, C12, C14, C16, C18, C20, C22 = (float(_coefficient(n)) for n in range(8, 23, 2))

LAST_POWER: Final = 37
"""Powers of the second step: the first one left out is below 2^-150."""

TAYLOR: Final = np.array([_in_parts(_coefficient(n), 3) for n in range(LAST_POWER + 1)])
"""Coefficients by power as sums of three floats, shape (LAST_POWER + 1, 3)."""

# Bounds of the fast step's relative error, rounding of its sums included; see
# docs/simulator.md. Both grow with the argument's size within the quadrant.
ERROR: Final = 2.0**-73
ERROR_PER_CUBE: Final = 2.0**-64
"""Times the cube of the squared argument: the first rounded term of either series."""
REDUCTION_ERROR: Final = 2.0**-119
"""Of the reduced argument, per quadrant."""


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
    rest = S15 + z * (S17 + z * (S19 + z * S21))
    rest = S7 + z * (S9 + z * (S11 + z * (S13 + z * rest)))
    high, low = _plus(S5, S5_LOW, z * rest, 0.0)
    high, low = _times(z, z_low, high, low)
    high, low = _plus(S3, S3_LOW, high, low)
    high, low = _times(z, z_low, high, low)
    product = r * high
    return _plus(r, 0.0, product, fused(r, low, fused(r, high, -product)))


@compiled
def _cosine_series(z: Real, z_low: Real) -> tuple[Real, Real]:
    rest = C16 + z * (C18 + z * (C20 + z * C22))
    rest = C8 + z * (C10 + z * (C12 + z * (C14 + z * rest)))
    high, low = _plus(C6, C6_LOW, z * rest, 0.0)
    high, low = _times(z, z_low, high, low)
    high, low = _plus(C4, C4_LOW, high, low)
    high, low = _times(z, z_low, high, low)
    high, low = _plus(-0.5, 0.0, high, low)
    high, low = _times(z, z_low, high, low)
    return _plus(1.0, 0.0, high, low)


@compiled
def _reduced(size: Real, quadrant: Real) -> tuple[Real, Real]:
    # The first difference is exact.
    rest, low = two_sum(size - quadrant * HALF_PI_1, -(quadrant * HALF_PI_2))
    low = low - quadrant * HALF_PI_REST
    high = rest + low
    return high, (rest - high) + low


@compiled
def reduced_sine_cosine(size: Real) -> tuple[Real, Real, Real]:
    """Correctly rounded sine and cosine of the argument within its quadrant.

    Args:
        size: Angle [rad] or eight of them, not negative, below 2^19 pi/2.

    Returns:
        Sine and cosine of the angle less a multiple of pi/2, and the multiple.
    """
    quadrant = rounded_down(size * INVERSE_HALF_PI + 0.5)
    r, r_low = _reduced(size, quadrant)
    z = r * r
    z_low = fused(r, r, -z)
    sine, sine_low = _sine_series(r, z, z_low)
    cosine, cosine_low = _cosine_series(z, z_low)
    sine_low = fused(r_low, cosine, sine_low)
    cosine_low = fused(-r_low, sine, cosine_low)
    error = ERROR + z * z * z * ERROR_PER_CUBE
    sine_error = absolute(sine) * error + quadrant * REDUCTION_ERROR
    upper_sine, lower_sine = sine + (sine_low + sine_error), sine + (sine_low - sine_error)
    upper_cosine, lower_cosine = cosine + (cosine_low + error), cosine + (cosine_low - error)
    doubtful = ~((upper_sine <= lower_sine) & (upper_cosine <= lower_cosine))
    lanes = bits_of(doubtful)
    if lanes != 0:
        for lane in range(width(size)):
            if (lanes >> lane) & 1:
                careful_sine, careful_cosine = _careful(
                    element(size, lane), element(quadrant, lane)
                )
                upper_sine = with_element(upper_sine, lane, careful_sine)
                upper_cosine = with_element(upper_cosine, lane, careful_cosine)
    return upper_sine, upper_cosine, quadrant


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
def _careful(size: float, quadrant: float) -> tuple[float, float]:
    rest, low = two_sum(size - quadrant * HALF_PI_1, -(quadrant * HALF_PI_2))
    low, lowest = two_sum(low, -(quadrant * HALF_PI_3))
    r = _normalised(rest, low, lowest - quadrant * HALF_PI_4)
    square = _product(r, r)
    sine = _to_nearest(_product(r, _series(square, LAST_POWER)))
    return sine, _to_nearest(_series(square, LAST_POWER - 1))
