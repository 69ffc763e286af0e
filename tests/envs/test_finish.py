"""A whole run of 100 m in the exact physics, as the original game recorded it."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from qwop_wr.envs.actions import ACTION_SETS
from qwop_wr.envs.options import EnvironmentOptions
from qwop_wr.envs.sb3 import QwopVecEnv
from qwop_wr.envs.single import QwopEnv
from qwop_wr.envs.vector import QwopVectorEnv

FINISH_TICK = 1991


@pytest.fixture(scope="module")
def actions() -> NDArray[np.int64]:
    """Indices into ``full`` of the keys of golden run ``runner_hurdle_0``, one per tick."""
    with np.load(Path(__file__).with_name("finishing_run.npz"), allow_pickle=False) as run:
        keys: NDArray[np.uint8] = run["keys"]
    return np.argsort(ACTION_SETS["full"])[keys]


def test_the_finish_ends_the_episode_with_success(actions: NDArray[np.int64]) -> None:
    env = QwopEnv(actions="full", ticks_per_action=1, reward="qwop_gym")
    _, info = env.reset(seed=0)
    rewards = []
    for action in actions:
        _, reward, terminated, truncated, info = env.step(action)
        rewards.append(reward)
        assert not truncated
        assert terminated == (len(rewards) == FINISH_TICK)
    assert info["finished"]
    assert not info["fallen"]
    assert info["distance"] == 100.3
    assert info["ticks"] == FINISH_TICK
    assert info["score_time"] == pytest.approx((FINISH_TICK + 1) / 30)
    assert rewards[-1] == pytest.approx(50.0, abs=3.0)
    assert max(rewards[:-1]) < 3.0


@pytest.mark.parametrize("bootstrap", [True, False])
def test_stable_baselines_may_bootstrap_the_finish(
    actions: NDArray[np.int64], bootstrap: bool
) -> None:
    options = EnvironmentOptions(actions="full", ticks_per_action=1)
    env = QwopVecEnv(QwopVectorEnv(2, options), bootstrap)
    env.reset()
    for action in actions:
        observations, _, dones, infos = env.step(np.array([action, 0]))
    assert dones.tolist() == [True, False]
    assert infos[0]["is_success"]
    assert infos[0]["TimeLimit.truncated"] is bootstrap
    assert infos[0]["episode"]["l"] == FINISH_TICK
    assert infos[0]["episode"]["r"] == pytest.approx(99.8 - 0.01 * FINISH_TICK, abs=1.0)
    assert infos[0]["terminal_observation"][-1] < 0.0
    assert isinstance(observations, np.ndarray)
    assert observations[0, -1] == 1.0
