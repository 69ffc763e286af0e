"""Sine and cosine: fdlibm's, within one unit in the last place, alike in all lanes."""

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray

from qwop_wr.simulator.exact.primitives import get, put, vector_pointer
from qwop_wr.simulator.exact.trigonometry import sine_cosine

Floats = NDArray[np.float64]


@njit(error_model="numpy")
def one_by_one(angles: Floats, sines: Floats, cosines: Floats) -> None:
    for index in range(len(angles)):
        sines[index], cosines[index] = sine_cosine(angles[index])


@njit(error_model="numpy")
def eight_at_once(angles: Floats, sines: Floats, cosines: Floats) -> None:
    source = vector_pointer(angles, 0)
    sine_place, cosine_place = vector_pointer(sines, 0), vector_pointer(cosines, 0)
    for index in range(len(angles) // 8):
        sine, cosine = sine_cosine(get(source, index))
        put(sine_place, index, sine)
        put(cosine_place, index, cosine)


def sines_and_cosines(angles: Floats) -> tuple[Floats, Floats]:
    sines, cosines = np.empty_like(angles), np.empty_like(angles)
    one_by_one(angles, sines, cosines)
    return sines, cosines


def arguments(n: int) -> Floats:
    """Angles that occur, tiny ones, and those next to multiples of pi/4."""
    rng = np.random.default_rng(0)
    multiples = np.arange(-400, 400) * (math.pi / 4)
    near = multiples[:, None] + rng.normal(size=(800, 60)) * 10.0 ** rng.integers(
        -16, -1, (800, 60)
    )
    return np.concatenate(
        [
            rng.uniform(-4.0, 4.0, n),
            rng.uniform(-100.0, 100.0, n),
            rng.uniform(-800_000.0, 800_000.0, n),
            rng.normal(size=n) * 10.0 ** rng.uniform(-300, -1, n),
            near.ravel(),
            multiples,
            np.nextafter(multiples, np.inf),
            np.nextafter(multiples, -np.inf),
        ]
    )


def exact_sine_cosine(angle: float) -> tuple[Decimal, Decimal]:
    """Taylor series with 60 digits after a reduction with as many."""
    with localcontext() as context:
        context.prec = 60
        half_pi = Decimal(
            "1.57079632679489661923132169163975144209858469968755291048747229615390820314310449931"
        )
        x = Decimal(angle)
        quadrant = int((x / half_pi).to_integral_value())
        x -= quadrant * half_pi
        sine, cosine, term = Decimal(0), Decimal(0), Decimal(1)
        for power in range(60):
            if power % 2:
                sine += term if power % 4 == 1 else -term
            else:
                cosine += term if power % 4 == 0 else -term
            term = term * x / (power + 1)
        for _ in range(quadrant % 4):
            sine, cosine = cosine, -sine
        return sine, cosine


def test_published_values() -> None:
    published = {
        0.0: (0.0, 1.0),
        0.5: (0.479425538604203, 0.8775825618903728),
        1.0: (0.8414709848078965, 0.5403023058681398),
        0.39269908169872414: (0.3826834323650898, 0.9238795325112867),
        0.785398163397448: (0.7071067811865472, 0.7071067811865478),
        2.0: (0.9092974268256817, -0.4161468365471424),
        math.pi: (1.2246467991473532e-16, -1.0),
        math.pi / 2: (1.0, 6.123233995736766e-17),
        10.0: (-0.5440211108893698, -0.8390715290764524),
    }
    for angle, expected in published.items():
        assert sine_cosine(angle) == expected
        assert sine_cosine(-angle) == (-expected[0], expected[1])


def test_differs_from_the_c_library_where_fdlibm_does() -> None:
    angles = np.random.default_rng(1).uniform(-4.0, 4.0, 100_000)
    sines, _ = sines_and_cosines(angles)
    differing = np.mean(sines != [math.sin(angle) for angle in angles])
    assert 0.0 <= differing < 0.06
    assert np.abs(sines - np.sin(angles)).max() < 2.3e-16


@pytest.mark.skipif(
    np.finfo(np.longdouble).nmant < 63, reason="long double is no longer than double here"
)
def test_within_one_unit_in_the_last_place_over_millions() -> None:
    angles = arguments(600_000)
    sines, cosines = sines_and_cosines(angles)
    long = angles.astype(np.longdouble)
    for ours, exact in ((sines, np.sin(long)), (cosines, np.cos(long))):
        units = np.abs(ours.astype(np.longdouble) - exact) / np.spacing(
            np.abs(exact).astype(np.float64)
        )
        assert units.max() < 1.0


def test_within_one_unit_in_the_last_place_of_the_exact_value() -> None:
    angles = np.random.default_rng(2).permutation(arguments(2_000))[:1_500]
    for angle, sine, cosine in zip(angles, *sines_and_cosines(angles), strict=True):
        for ours, exact in zip((sine, cosine), exact_sine_cosine(float(angle)), strict=True):
            unit = Decimal(float(np.spacing(abs(float(exact)))))
            assert abs(Decimal(float(ours)) - exact) < unit


def test_lanes_agree_with_single_values() -> None:
    angles = arguments(100_000)
    angles = np.random.default_rng(3).permutation(angles[: len(angles) // 8 * 8])
    sines, cosines = np.empty_like(angles), np.empty_like(angles)
    eight_at_once(angles, sines, cosines)
    for ours, expected in zip((sines, cosines), sines_and_cosines(angles), strict=True):
        assert ours.tobytes() == expected.tobytes()
