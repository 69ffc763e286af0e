"""Sine and cosine: each platform's own bits, alike in all lanes, near the exact values."""

import math
from decimal import Decimal, localcontext
from pathlib import Path

import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray

from qwop_wr.simulator.exact import correct_rounding
from qwop_wr.simulator.exact.engine import sines_cosines
from qwop_wr.simulator.exact.primitives import fused
from qwop_wr.simulator.exact.trigonometry import sine_cosine_on
from qwop_wr.simulator.platforms import PLATFORMS

Floats = NDArray[np.float64]

RECORDED = Path(__file__).parent / "golden" / "trigonometry.npz"
"""Values that browsers of every platform returned: 6,848 arguments, half of them hard ones
or such at which platforms differ."""


@njit(error_model="numpy")
def one_by_one(platform: int, angles: Floats, sines: Floats, cosines: Floats) -> None:
    for index in range(len(angles)):
        sines[index], cosines[index] = sine_cosine_on(platform, angles[index])


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


@pytest.mark.parametrize("platform", PLATFORMS)
def test_browsers_values_to_the_bit(platform: str) -> None:
    with np.load(RECORDED) as arrays:
        angles, sines, cosines = (
            arrays[name] for name in ("x", f"{platform}_sin", f"{platform}_cos")
        )
    ours = sines_cosines(platform, angles)
    assert ours[0].tobytes() == sines.tobytes()
    assert ours[1].tobytes() == cosines.tobytes()


def test_platforms_differ_where_they_should() -> None:
    angles = np.random.default_rng(1).uniform(-10.0, 10.0, 200_000)
    values = {platform: sines_cosines(platform, angles) for platform in PLATFORMS}
    shares = {
        platform: [float(np.mean(a != b)) for a, b in zip(found, values["node"], strict=True)]
        for platform, found in values.items()
    }
    # Measured in the browsers with two million other arguments.
    assert shares["chromium"] == pytest.approx([0.0327, 0.0331], abs=0.002)
    assert shares["chromium110"] == pytest.approx([0.0323, 0.0327], abs=0.002)
    assert shares["firefox"] == pytest.approx([0.0087, 0.0094], abs=0.001)


@pytest.mark.slow
@pytest.mark.skipif(
    np.finfo(np.longdouble).nmant < 63, reason="long double is no longer than double here"
)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_within_one_unit_in_the_last_place_over_millions(platform: str) -> None:
    angles = arguments(300_000)
    long = angles.astype(np.longdouble)
    most = 0.501 if platform == "chromium" else 1.0
    for ours, exact in zip(
        sines_cosines(platform, angles), (np.sin(long), np.cos(long)), strict=True
    ):
        units = np.abs(ours.astype(np.longdouble) - exact) / np.spacing(
            np.abs(exact).astype(np.float64)
        )
        assert units.max() < most


def test_chromium_is_correctly_rounded() -> None:
    angles = np.random.default_rng(2).permutation(arguments(2_000))[:3_000]
    for angle, *ours in zip(angles, *sines_cosines("chromium", angles), strict=True):
        for value, exact in zip(ours, exact_sine_cosine(float(angle)), strict=True):
            assert value == float(exact)


@njit(error_model="numpy")
def fast_step(r: float) -> tuple[float, float, float, float]:
    z = r * r
    z_low = fused(r, r, -z)
    return *correct_rounding._sine_series(r, z, z_low), *correct_rounding._cosine_series(z, z_low)


@njit(error_model="numpy")
def second_step(r: float) -> tuple[float, float, float, float]:
    z, z_low = correct_rounding._times(r, 0.0, r, 0.0)
    series = correct_rounding._pair_series
    high, low = series(z, z_low, correct_rounding.LAST_POWER)
    sine = correct_rounding._times(r, 0.0, high, low)
    return *sine, *series(z, z_low, correct_rounding.LAST_POWER - 1)


@njit(error_model="numpy")
def third_step(angle: float, quadrant: float) -> tuple[float, float]:
    return correct_rounding._with_triples(angle, quadrant)


def test_errors_of_the_first_two_steps_are_within_their_bounds() -> None:
    cr = correct_rounding
    closest = [0.0, 0.0]
    for r in np.random.default_rng(4).uniform(-0.7854, 0.7854, 1_500):
        cube = float(r) ** 6
        bounds = [
            [cr.SINE_ERROR * cube + cr.SERIES_ERROR, cr.COSINE_ERROR * cube + cr.SERIES_ERROR],
            [cr.PAIR_ERROR, cr.PAIR_ERROR],
        ]
        exact = exact_sine_cosine(float(r))
        for step, (found, allowed) in enumerate(
            zip((fast_step(float(r)), second_step(float(r))), bounds, strict=True)
        ):
            for place in (0, 1):
                with localcontext() as context:
                    context.prec = 60
                    pair = Decimal(found[2 * place]) + Decimal(found[2 * place + 1])
                    scale = abs(exact[0]) if place == 0 else Decimal(1)
                    share = float(abs(pair - exact[place]) / (scale * Decimal(allowed[place])))
                closest[step] = max(closest[step], share)
                assert share < 1.0
    # Not loose beyond reason either: a wrong coefficient would not hide in them.
    assert closest[0] > 0.2


def test_the_third_step_is_right_wherever_it_is_asked() -> None:
    for angle in np.random.default_rng(5).permutation(arguments(300))[:1_500]:
        size = abs(float(angle))
        quadrant = math.floor(size * 2 / math.pi + 0.5)
        sine, cosine = third_step(size, float(quadrant))
        for _ in range(quadrant % 4):
            sine, cosine = cosine, -sine
        assert (sine, cosine) == tuple(map(float, exact_sine_cosine(size)))


def test_hard_cases_of_rounding() -> None:
    # Published worst cases of sine and cosine (Lefevre and Muller): more than sixty equal
    # bits follow the last one.
    hard = [
        float.fromhex(text)
        for text in (
            "0x1.e0000000001c2p-20",
            "0x1.598bae9e632f6p-7",
            "0x1.fe767739d0f6dp-2",
            "0x1.921fb54442d18p+0",
            "0x1.921fb54442d18p+1",
            "0x1.d5a22eb81fb79p-18",
            "0x1.8000000000009p-23",
        )
    ]
    for angle, *ours in zip(hard, *sines_cosines("chromium", hard), strict=True):
        for value, exact in zip(ours, exact_sine_cosine(angle), strict=True):
            assert value == float(exact), float(angle).hex()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_lanes_agree_with_single_values(platform: str) -> None:
    angles = np.random.default_rng(3).permutation(arguments(60_000))
    sines, cosines = np.empty_like(angles), np.empty_like(angles)
    one_by_one(PLATFORMS.index(platform), angles, sines, cosines)
    for ours, expected in zip((sines, cosines), sines_cosines(platform, angles), strict=True):
        assert ours.tobytes() == expected.tobytes()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_odd_and_even(platform: str) -> None:
    angles = arguments(20_000)
    sines, cosines = sines_cosines(platform, angles)
    opposite = sines_cosines(platform, -angles)
    assert (-sines).tobytes() == opposite[0].tobytes()
    assert cosines.tobytes() == opposite[1].tobytes()
    assert math.copysign(1.0, float(sines_cosines(platform, -0.0)[0])) == -1.0


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="'chromium', 'firefox', 'chromium110', 'node'"):
        sines_cosines("safari", 0.5)
    for angle in (math.nan, math.inf, 1e6):
        with pytest.raises(ValueError, match="at most 823549"):
            sines_cosines("node", angle)
