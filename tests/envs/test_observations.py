"""Observations against an independent computation in plain NumPy."""

import numpy as np
import pytest
from numpy.typing import NDArray

from qwop_wr.envs.observations import OBSERVATIONS, Observer
from qwop_wr.envs.snapshots import Snapshot
from qwop_wr.simulator import make_simulator
from qwop_wr.simulator.anatomy import PART_INDEX
from qwop_wr.simulator.keys import O, P, Q, W


@pytest.fixture
def snapshot(engine: str) -> Snapshot:
    """Four games after some ticks of different keys."""
    simulator = make_simulator(engine, 4)
    simulator.step(np.array([Q | O, W | P, P, 0], dtype=np.uint8), 12)
    simulator.step(np.array([Q, W, 0, 0], dtype=np.uint8), 5)
    return Snapshot.of(simulator)


def _column(name: str) -> int:
    return [feature.name for feature in OBSERVATIONS["egocentric"]].index(name)


def _unscaled(snapshot: Snapshot, name: str) -> NDArray[np.float64]:
    column = _column(name)
    feature = OBSERVATIONS["egocentric"][column]
    observed = Observer("egocentric").observe(snapshot)[:, column].astype(np.float64)
    return observed * feature.scale + feature.centre


def test_absolute_is_the_circulating_sixty_numbers(snapshot: Snapshot) -> None:
    low = np.array([-10.0, -10.0, -6.0, -20.0, -25.0])
    high = np.array([1050.0, 10.0, 6.0, 60.0, 60.0])
    parts = snapshot.state[:, :, :5]
    expected = np.clip(2.0 * (parts - low) / (high - low) - 1.0, -1.0, 1.0).reshape(4, 60)
    observed = Observer("absolute").observe(snapshot)
    assert observed.dtype == np.float32
    np.testing.assert_allclose(observed, expected, atol=1e-6)


@pytest.mark.parametrize("part", PART_INDEX)
def test_egocentric_parts_follow_the_torso(snapshot: Snapshot, part: str) -> None:
    x, y, angle, vx, vy, angular = np.moveaxis(snapshot.state[:, PART_INDEX[part]], -1, 0)
    if part != "torso":
        expected = x - snapshot.state[:, 0, 0]
        np.testing.assert_allclose(_unscaled(snapshot, f"{part} x from torso"), expected, atol=1e-5)
    for quantity, expected in (
        ("y", y),
        ("angle", angle),
        ("vx", vx),
        ("vy", vy),
        ("angular velocity", angular),
    ):
        np.testing.assert_allclose(_unscaled(snapshot, f"{part} {quantity}"), expected, atol=1e-5)


def test_egocentric_shows_hidden_state(snapshot: Snapshot) -> None:
    assert _unscaled(snapshot, "hip limits set by O").tolist() == [1, 0, 0, 0]
    assert _unscaled(snapshot, "hip limits set by P").tolist() == [0, 1, 1, 0]
    np.testing.assert_allclose(
        _unscaled(snapshot, "head torque"), snapshot.head_torque, rtol=1e-5, atol=1e-4
    )
    for side, name in enumerate(("left_foot", "right_foot")):
        expected = snapshot.foot_contacts[:, side]
        assert _unscaled(snapshot, f"{name} on the ground").tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("torso_x", "hurdle_ahead", "pit_ahead"),
    [(2.5, 1.0, 1.0), (450.0, 0.50865, 1.0), (700.0, -1.0, 1.0), (980.0, -1.0, 0.2)],
)
def test_distances_are_clipped_to_ten_metres(
    snapshot: Snapshot, torso_x: float, hurdle_ahead: float, pit_ahead: float
) -> None:
    snapshot.state[:, :, 0] += torso_x - snapshot.state[:, :1, 0]
    snapshot.hurdle[:, 1, 0] = 500.865
    observed = Observer("egocentric").observe(snapshot)
    assert observed[0, _column("hurdle ahead by")] == pytest.approx(hurdle_ahead)
    assert observed[0, _column("sand pit ahead by")] == pytest.approx(pit_ahead)


@pytest.mark.parametrize("observation", OBSERVATIONS)
def test_every_number_is_clipped(snapshot: Snapshot, observation: str) -> None:
    features = OBSERVATIONS[observation]
    for size, bound in ((1e6, "high"), (-1e6, "low")):
        snapshot.state[:, :, 1:] = size
        observed = Observer(observation).observe(snapshot)[0]
        bounds = [getattr(feature, bound) for feature in features]
        touched = [i for i, feature in enumerate(features) if " v" in feature.name]
        assert all(observed[i] == bounds[i] for i in touched)


def test_egocentric_starts_near_zero(engine: str) -> None:
    observed = Observer("egocentric").observe(Snapshot.of(make_simulator(engine, 1)))
    assert np.abs(observed[0, :-2]).max() < 0.1


def test_observing_twice_gives_separate_arrays(snapshot: Snapshot) -> None:
    observer = Observer("egocentric")
    first, second = observer.observe(snapshot), observer.observe(snapshot)
    assert not np.shares_memory(first, second)
    np.testing.assert_array_equal(first, second)


def test_unknown_observation_is_refused() -> None:
    with pytest.raises(ValueError, match="'egocentric' or 'absolute', got 'pixels'"):
        Observer("pixels")
