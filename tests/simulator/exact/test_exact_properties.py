"""What holds in every game, whatever keys are held."""

import math
import resource
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from qwop_wr.simulator.anatomy import JOINTS, PART_INDEX
from qwop_wr.simulator.constants import GROUND_Y
from qwop_wr.simulator.exact import ExactSimulator
from qwop_wr.simulator.exact.layout import MAX_CONTACTS, N_CONTACTS, PARENTS, ROOT
from tests.simulator.exact.recordings import memory

JOINT_TOLERANCE: Final = 1.0
"""Farthest that two ends of a joint come apart in a hard fall [units]."""

ANGLE_TOLERANCE: Final = 1.0
"""Farthest that a joint passes its limits in a hard fall [rad]."""


def pivots(
    state: NDArray[np.float64], part: str, anchor: tuple[float, float]
) -> NDArray[np.float64]:
    """Where an anchor of a part is, shape (n_games, 2)."""
    x, y, angle = (state[:, PART_INDEX[part], column] for column in range(3))
    return np.stack(
        [
            x + np.cos(angle) * anchor[0] - np.sin(angle) * anchor[1],
            y + np.sin(angle) * anchor[0] + np.cos(angle) * anchor[1],
        ],
        axis=1,
    )


def assert_plausible(simulator: ExactSimulator) -> None:
    state = simulator.state
    assert np.isfinite(state).all()
    assert np.isfinite(simulator.hurdle).all()
    # The speed limit is 2 units and a quarter turn in a step of 0.04.
    assert np.hypot(state[..., 3], state[..., 4]).max() <= 50.000001
    assert np.abs(state[..., 5]).max() <= math.pi / 2 * 25 + 1e-9
    assert state[..., 1].max() < GROUND_Y + 1.0
    for joint in JOINTS:
        apart = pivots(state, joint.body_a, joint.anchor_a) - pivots(
            state, joint.body_b, joint.anchor_b
        )
        assert np.hypot(apart[:, 0], apart[:, 1]).max() < JOINT_TOLERANCE, joint.name


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 15), st.integers(1, 30)), min_size=1, max_size=15))
def test_bodies_stay_finite_and_jointed(holds: list[tuple[int, int]]) -> None:
    simulator = ExactSimulator(1)
    for mask, ticks in holds:
        simulator.step(np.array([mask], dtype=np.uint8), ticks)
        assert_plausible(simulator)


def test_many_games_stay_finite_and_jointed() -> None:
    rng = np.random.default_rng(0)
    simulator = ExactSimulator(256)
    for _ in range(60):
        simulator.step(rng.integers(0, 16, 256, dtype=np.uint8), 4)
        assert_plausible(simulator)
    assert simulator.ended.sum() > 50


def test_ended_games_stand_still_while_others_go_on() -> None:
    rng = np.random.default_rng(1)
    simulator = ExactSimulator(16)
    while simulator.ended.sum() < 8:
        simulator.step(rng.integers(0, 16, 16, dtype=np.uint8), 4)
    ended = np.flatnonzero(simulator.ended)
    running = np.flatnonzero(~simulator.ended)
    before = memory(simulator)
    ticks = simulator.ticks
    simulator.step(np.full(16, 6, dtype=np.uint8), 3)
    after = memory(simulator)
    assert [after[game] for game in ended] == [before[game] for game in ended]
    assert (simulator.ticks[running] > ticks[running]).all()


def test_a_soft_reset_looks_like_a_hard_one_but_recycles_the_tree() -> None:
    simulator, fresh = ExactSimulator(1), ExactSimulator(1)
    for _ in range(3):
        simulator.step(np.array([6], dtype=np.uint8), 40)
        simulator.reset(soft=True)
        assert simulator.state.tobytes() == fresh.state.tobytes()
        assert simulator.score_time[0] == fresh.score_time[0]
        assert simulator.ticks[0] == 0
        assert not simulator.ended[0]
    tree = slice(PARENTS, ROOT + 1)
    used, new = (games._storage.integers[tree] for games in (simulator, fresh))
    assert used.tobytes() != new.tobytes()


def test_standing_still_sleeps_and_loses_the_head_torque() -> None:
    simulator = ExactSimulator(1)
    held = np.array([2], dtype=np.uint8)
    slept = []
    for _ in range(400):
        simulator.step(held)
        if not simulator.state[0, :, 3:].any():
            slept.append(int(simulator.ticks[0]))
            assert simulator.head_torque[0] == 0.0
    assert slept[:3] == [237, 250, 263]


@pytest.mark.slow
def test_a_million_ticks_leak_neither_memory_nor_contacts() -> None:
    rng = np.random.default_rng(3)
    n_games, calls, ticks = 256, 500, 8
    simulator = ExactSimulator(n_games)
    memory = 0
    for call in range(calls):
        simulator.step(rng.integers(0, 16, n_games, dtype=np.uint8), ticks)
        ended, running = np.flatnonzero(simulator.ended), np.flatnonzero(~simulator.ended)
        half = len(ended) // 2
        simulator.reset(ended[half:])
        simulator.copy_games(simulator, rng.choice(running, half), ended[:half])
        if call == calls // 5:
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 20_000
    integers = simulator._storage.integers.reshape(n_games, -1)
    assert integers[:, N_CONTACTS].max() < MAX_CONTACTS // 2
