"""Stable-Baselines3's view of the vector environment."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecFrameStack

from qwop_wr.envs.options import EnvironmentOptions
from qwop_wr.envs.sb3 import QwopVecEnv
from qwop_wr.envs.vector import QwopVectorEnv


def _make(n_games: int, bootstrap_finish: bool = True, **options: object) -> QwopVecEnv:
    games = QwopVectorEnv(n_games, EnvironmentOptions.from_keywords(options))
    return QwopVecEnv(games, bootstrap_finish)


def test_steps_are_those_of_the_vector_environment(engine: str) -> None:
    env = _make(5, engine=engine, ticks_per_action=2)
    games = QwopVectorEnv(5, env.games.options)
    env.seed(3)
    np.testing.assert_array_equal(env.reset(), games.reset(seed=[3, 4, 5, 6, 7])[0])
    totals, lengths, ended = np.zeros(5), np.zeros(5, dtype=int), 0
    generator = np.random.default_rng(0)
    for _ in range(120):
        actions = generator.integers(9, size=5)
        observations, rewards, dones, infos = env.step(actions)
        expected, expected_rewards, terminated, truncated, vector_infos = games.step(actions)
        np.testing.assert_array_equal(observations, expected)
        np.testing.assert_array_equal(rewards, expected_rewards.astype(np.float32))
        np.testing.assert_array_equal(dones, terminated | truncated)
        totals += expected_rewards
        lengths += 1
        for game, info in enumerate(infos):
            if not dones[game]:
                assert info == {}
                continue
            terminal = vector_infos["final_obs"][game]
            np.testing.assert_array_equal(info["terminal_observation"], terminal)
            assert info["TimeLimit.truncated"] is bool(truncated[game])
            assert info["episode"] == {"r": totals[game], "l": lengths[game]}
            assert info["distance"] == vector_infos["distance"][game]
            assert info["fallen"] is bool(vector_infos["fallen"][game])
            totals[game] = lengths[game] = 0
            ended += 1
    assert ended > 0


@pytest.mark.parametrize("bootstrap", [True, False])
def test_a_finish_is_bootstrapped_if_asked(
    bootstrap: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = _make(3, bootstrap_finish=bootstrap, engine="box2d")
    env.reset()
    step = env.games.step

    def finishing_step(actions: NDArray[np.int64]) -> tuple[Any, ...]:
        observations, rewards, terminated, truncated, infos = step(actions)
        infos["finished"][0] = terminated[0] = True
        infos["fallen"][1] = terminated[1] = True
        truncated[2] = True
        return observations, rewards, terminated, truncated, infos

    monkeypatch.setattr(env.games, "step", finishing_step)
    *_, infos = env.step(np.zeros(3, dtype=np.int64))
    assert [info["TimeLimit.truncated"] for info in infos] == [bootstrap, False, True]
    assert [info["is_success"] for info in infos] == [True, False, False]


def test_seeds_are_used_once_and_repeat() -> None:
    env = _make(6, engine="box2d", idle_ticks=90)
    drawn = []
    for _ in range(2):
        env.seed(1)
        env.reset()
        drawn.append(env.games.drawn_idle_ticks.tolist())
    env.reset()
    assert drawn[0] == drawn[1] != env.games.drawn_idle_ticks.tolist()


@pytest.mark.slow
def test_ppo_learns_on_it() -> None:
    env = _make(4, engine="box2d", ticks_per_action=2, max_ticks=60)
    model = PPO("MlpPolicy", env, n_steps=64, batch_size=64, n_epochs=1, seed=0, device="cpu")
    model.learn(512)
    assert model.num_timesteps == 512
    assert model.ep_info_buffer
    assert {episode["l"] for episode in model.ep_info_buffer} <= set(range(1, 31))


def test_stands_in_for_a_monitored_environment() -> None:
    env = _make(2, engine="box2d", max_ticks=20)
    assert env.env_is_wrapped(Monitor) == [True, True]
    assert env.get_attr("options", indices=[1]) == [env.games.options]
    assert not env.has_attr("no_such_attribute")
    stacked = VecFrameStack(env, 2)
    observations = stacked.reset()
    assert isinstance(observations, np.ndarray)
    assert observations.shape == (2, 156)


def test_a_vector_environment_without_autoreset_is_refused() -> None:
    games = QwopVectorEnv(1, EnvironmentOptions(engine="box2d"), autoreset=False)
    with pytest.raises(ValueError, match="autoreset=True"):
        QwopVecEnv(games)


def test_images_are_tiled() -> None:
    games = QwopVectorEnv(2, EnvironmentOptions(engine="box2d"), render_mode="rgb_array")
    env = QwopVecEnv(games)
    env.reset()
    image = env.render()
    assert image is not None
    assert image.shape == (1080, 960, 3)
