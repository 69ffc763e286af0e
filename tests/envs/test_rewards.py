"""Outcomes and rewards of decisions."""

import numpy as np
import pytest

from qwop_wr.envs.options import EnvironmentOptions
from qwop_wr.envs.rewards import Outcomes, Rewards, decision_rewards
from qwop_wr.envs.snapshots import Snapshot
from qwop_wr.simulator import make_simulator


@pytest.fixture
def snapshot() -> Snapshot:
    """Five games: running, landed, fallen, low and late."""
    games = Snapshot.of(make_simulator("box2d", 5))
    games.ended[[1, 2]] = True
    games.landed[1] = True
    games.state[:, 0, 1] = [0.0, 2.0, 2.0, 1.4, 0.0]
    games.ticks[:] = [10, 10, 3000, 3000, 3000]
    return games


def test_each_game_has_at_most_one_outcome(snapshot: Snapshot) -> None:
    outcomes = Outcomes.of(snapshot, EnvironmentOptions(sink_height=1.3))
    assert outcomes.finished.tolist() == [False, True, False, False, False]
    assert outcomes.fallen.tolist() == [False, False, True, False, False]
    assert outcomes.sunk.tolist() == [False, False, False, True, False]
    assert outcomes.truncated.tolist() == [False, False, False, False, True]
    assert outcomes.failed.tolist() == [False, False, True, True, False]
    assert outcomes.terminated.tolist() == [False, True, True, True, False]


def test_nothing_sinks_without_a_height(snapshot: Snapshot) -> None:
    outcomes = Outcomes.of(snapshot, EnvironmentOptions())
    assert not outcomes.sunk.any()
    assert outcomes.truncated.tolist() == [False, False, False, True, True]


def test_head_first_into_the_pit_is_a_finish() -> None:
    games = Snapshot.of(make_simulator("box2d", 1))
    games.ended[0] = games.landed[0] = True
    outcomes = Outcomes.of(games, EnvironmentOptions())
    assert outcomes.finished[0]
    assert not outcomes.fallen[0]
    assert np.array_equal(outcomes.terminated, [True])


ADVANCE = np.array([3.0, -1.0, 0.5, 0.0])
TICKS = np.array([2, 2, 1, 0])
FINISHED = np.array([False, False, True, False])
FAILED = np.array([False, True, False, False])


def _rewards(**options: object) -> Rewards:
    environment = EnvironmentOptions.from_keywords(options)
    return decision_rewards(environment, ADVANCE, TICKS, FINISHED, FAILED)


def test_time_reward_pays_metres_and_charges_ticks() -> None:
    rewards = _rewards(metre_reward=2.0, tick_cost=0.01, fall_cost=5.0)
    np.testing.assert_allclose(rewards, [0.6 - 0.02, -0.2 - 0.02 - 5.0, 0.1 - 0.01, 0.0])


def test_seeds_reward_follows_the_circulating_formula() -> None:
    rewards = _rewards(reward="qwop_gym", speed_reward=0.01, time_cost=10.0, ticks_per_action=4)
    two_ticks, one_tick = 2 / 300, 1 / 300
    expected = [
        0.01 * 0.3 / two_ticks - 10 * two_ticks / 4,
        0.01 * -0.1 / two_ticks - 10 * two_ticks / 4 - 10,
        0.01 * 0.05 / one_tick - 10 * one_tick / 4 + 50,
        0.0,
    ]
    np.testing.assert_allclose(rewards, expected)


def test_time_reward_of_a_run_depends_on_distance_and_ticks_alone() -> None:
    options = EnvironmentOptions(metre_reward=1.5, tick_cost=0.02)
    none = np.zeros(1, dtype=np.bool_)
    steps = [(7.0, 2), (11.0, 2), (-3.0, 2)]
    total = sum(
        decision_rewards(options, np.array([advance]), np.array([ticks]), none, none)[0]
        for advance, ticks in steps
    )
    assert total == pytest.approx(1.5 * 1.5 - 0.02 * 6)
