"""Sine and cosine by glibc's algorithm without fused multiply-add: Chromium 110 to 149.

The algorithm is that of IBM's accurate mathematical library as glibc has it
since 2.28 (``sysdeps/ieee754/dbl-64/s_sin.c``): the nearest multiple of 1/128
is looked up in a table of sines and cosines in pairs of floats, and short
polynomials in what is left correct it. The table is computed here.
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
    element,
    select,
    width,
    with_element,
)

# Polynomials: s1 to s5 below 0.126, the others around the table's entries.
S1: Final = float.fromhex("-0x1.5555555555555p-3")
S2: Final = float.fromhex("0x1.1111111110ecep-7")
S3: Final = float.fromhex("-0x1.a01a019db08b8p-13")
S4: Final = float.fromhex("0x1.71de27b9a7ed9p-19")
S5: Final = float.fromhex("-0x1.addffc2fcdf59p-26")
SN3: Final = -1.66666666666664880952546298448555e-01
SN5: Final = 8.33333214285722277379541354343671e-03
CS2: Final = 4.99999999999999999999950396842453e-01
CS4: Final = -4.16666666666664434524222570944589e-02
CS6: Final = 1.38888874007937613028114285595617e-03

HALF_PI: Final = float.fromhex("0x1.921fb54442d18p+0")
HALF_PI_TAIL: Final = float.fromhex("0x1.1a62633145c07p-54")
INVERSE_HALF_PI: Final = float.fromhex("0x1.45f306dc9c883p-1")
MP1: Final = float.fromhex("0x1.921fb58000000p+0")
MP2: Final = float.fromhex("-0x1.dde973c000000p-27")
PP3: Final = float.fromhex("-0x1.cb3b398000000p-55")
PP4: Final = float.fromhex("-0x1.d747f23e32ed7p-83")
TO_INTEGER: Final = 1.5 * 2.0**52

# glibc compares upper 32-bit words; these are the floats at which they change.
UNREDUCED_BELOW: Final = float.fromhex("0x1.b600000000000p-1")
COMPLEMENT_BELOW: Final = float.fromhex("0x1.368fd00000000p+1")
POLYNOMIAL_BELOW: Final = 0.126

STEPS_PER_UNIT: Final = 128
LAST_ENTRY: Final = 110


def _rounded_in_two(number: Fraction) -> tuple[float, float]:
    high = float(number)
    return high, float(number - Fraction(high))


def _table() -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Returns sine and cosine of multiples of 1/128 in pairs, shape (LAST_ENTRY + 1, 4)."""
    rows = []
    for step in range(LAST_ENTRY + 1):
        x = Fraction(step, STEPS_PER_UNIT)
        terms = [x**n * Fraction((-1) ** (n // 2), factorial(n)) for n in range(36)]
        sine, cosine = sum(terms[1::2], Fraction()), sum(terms[0::2], Fraction())
        rows.append([*_rounded_in_two(sine), *_rounded_in_two(cosine)])
    return np.array(rows)


TABLE: Final = _table()


@compiled
def _looked_up(entry: Real) -> tuple[Real, Real, Real, Real]:
    sine, sine_low, cosine, cosine_low = entry, entry, entry, entry
    for lane in range(width(entry)):
        row = int(element(entry, lane))
        sine = with_element(sine, lane, TABLE[row, 0])
        sine_low = with_element(sine_low, lane, TABLE[row, 1])
        cosine = with_element(cosine, lane, TABLE[row, 2])
        cosine_low = with_element(cosine_low, lane, TABLE[row, 3])
    return sine, sine_low, cosine, cosine_low


@compiled
def _nearest_entry(size: Real) -> Real:
    # To even where two entries are equally near, as an addition of a large number rounds.
    large = 1.5 * 2.0**45
    return ((size + large) - large) * 128.0


@compiled
def _sine(x: Real, tail: Real) -> Real:
    square = x * x
    short = (((((S5 * square + S4) * square + S3) * square + S2) * square) + S1) * x
    short = x + ((short - 0.5 * tail) * square + tail)
    size = absolute(x)
    entry = _nearest_entry(size)
    tail = select(x > 0.0, tail, -tail)
    rest = size - entry * (1.0 / 128.0)
    square = rest * rest
    s = rest + (tail + rest * square * (SN3 + square * SN5))
    c = rest * tail + square * (CS2 + square * (CS4 + square * CS6))
    sine, sine_low, cosine, cosine_low = _looked_up(entry)
    correction = (sine_low + s * cosine_low - sine * c) + cosine * s
    long = sine + correction
    return select(size < POLYNOMIAL_BELOW, short, select(x < 0.0, -long, long))


@compiled
def _cosine(x: Real, tail: Real) -> Real:
    size = absolute(x)
    entry = _nearest_entry(size)
    rest = size - entry * (1.0 / 128.0) + select(x < 0.0, -tail, tail)
    square = rest * rest
    s = rest + rest * square * (SN3 + square * SN5)
    c = square * (CS2 + square * (CS4 + square * CS6))
    sine, sine_low, cosine, cosine_low = _looked_up(entry)
    return cosine + ((cosine_low - s * sine_low - cosine * c) - sine * s)


@compiled
def _chosen(first: Truth, one: Real, second: Truth, other: Real, third: Real) -> Real:
    return select(first, one, select(second, other, third))


@compiled
def reduced_sine_cosine(size: Real) -> tuple[Real, Real, Real]:
    """Computes sine and cosine of the argument within its quadrant, as glibc does.

    Arguments and results are those of ``correct_rounding.reduced_sine_cosine``.
    """
    unreduced, complement = size < UNREDUCED_BELOW, size < COMPLEMENT_BELOW
    quadrant = (size * INVERSE_HALF_PI + TO_INTEGER) - TO_INTEGER
    y = (size - quadrant * MP1) - quadrant * MP2
    third = quadrant * PP3
    high = y - third
    low = (y - high) - third
    fourth = quadrant * PP4
    rest = high - fourth
    low = low + ((high - rest) - fourth)
    opposite = HALF_PI - size
    near = opposite + HALF_PI_TAIL
    near_tail = (opposite - near) + HALF_PI_TAIL
    sine = _sine(
        _chosen(unreduced, size, complement, near, rest),
        _chosen(unreduced, 0.0, complement, near_tail, low),
    )
    cosine = _cosine(
        _chosen(unreduced, size, complement, opposite, rest),
        _chosen(unreduced, 0.0, complement, HALF_PI_TAIL, low),
    )
    # A complement to pi/2 has the other sign than the rest after a quadrant.
    sine = select(complement & ~unreduced, -sine, sine)
    return sine, cosine, _chosen(unreduced, 0.0, complement, 1.0, quadrant)
