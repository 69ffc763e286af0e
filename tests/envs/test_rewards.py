"""Rewards against values computed by hand."""

import numpy as np
import pytest

from qwop_wr.envs.options import EnvironmentOptions
from qwop_wr.envs.rewards import Rewards, reward_function

ADVANCE = np.array([3.0, -1.0, 0.5, 0.0])
TICKS = np.array([2, 2, 1, 0])
FINISHED = np.array([False, False, True, False])
FAILED = np.array([False, True, False, False])


def _rewards(**options: object) -> Rewards:
    return reward_function(EnvironmentOptions.from_keywords(options))(
        ADVANCE, TICKS, FINISHED, FAILED
    )


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
    reward = reward_function(options)
    none = np.zeros(1, dtype=np.bool_)
    steps = [(7.0, 2), (11.0, 2), (-3.0, 2)]
    total = sum(
        reward(np.array([advance]), np.array([ticks]), none, none)[0] for advance, ticks in steps
    )
    assert total == pytest.approx(1.5 * 1.5 - 0.02 * 6)
