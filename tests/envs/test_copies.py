"""Environments are copied and pickled in the middle of an episode, and go on to the same bits."""

import copy
import multiprocessing
import pickle
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest

import qwop_wr  # noqa: F401 - registers the environment
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv
from qwop_wr.envs.sb3 import QwopVecEnv
from qwop_wr.simulator import ENGINES, make_simulator

COPIES: list[Callable[[Any], Any]] = [copy.deepcopy, lambda what: pickle.loads(pickle.dumps(what))]  # noqa: S301
OPTIONS: dict[str, Any] = {
    "ticks_per_action": 2,
    "idle_ticks": 5,
    "sticky": 0.3,
    "velocity": {},
    "shaping": {"terms": {"energy": {"term": "energy", "weight": 0.02}}},
}


def played(env: gymnasium.Env[Any, Any], n: int, seed: int) -> list[Any]:
    """What ``n`` steps show, with a reset where an episode ends."""
    rng, seen = np.random.default_rng(seed), []
    for _ in range(n):
        obs, reward, terminated, truncated, info = env.step(int(rng.integers(9)))
        seen.append((obs.tobytes(), reward, terminated, truncated, str(info)))
        if terminated or truncated:
            env.reset()
    return seen


@pytest.mark.parametrize("make_copy", COPIES, ids=["deepcopy", "pickle"])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_copied_environment_goes_on_to_the_same_bits(
    engine: str, make_copy: Callable[[Any], Any]
) -> None:
    env = gymnasium.make("qwop_wr/Qwop-v1", engine=engine, render_mode="rgb_array", **OPTIONS)
    unreset = make_copy(env)
    assert unreset.reset(seed=3)[0].tobytes() == env.reset(seed=3)[0].tobytes()
    before = played(env, 37, seed=1)
    env.render()
    other = make_copy(env)
    assert other.render().tobytes() == env.render().tobytes()  # type: ignore[union-attr]
    later = played(env, 150, seed=2)
    assert before
    assert played(other, 150, seed=2) == later
    assert other.reset()[0].tobytes() == env.reset()[0].tobytes()


@pytest.mark.parametrize("make_copy", COPIES, ids=["deepcopy", "pickle"])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_batch_and_its_adapter(engine: str, make_copy: Callable[[Any], Any]) -> None:
    options = EnvironmentOptions.from_keywords({"engine": engine, **OPTIONS})
    env = QwopVecEnv(QwopVectorEnv(3, options))
    env.seed(5)
    env.reset()
    rng = np.random.default_rng(0)
    for _ in range(30):
        env.step(rng.integers(9, size=3))
    other = make_copy(env)
    for _ in range(30):
        actions = rng.integers(9, size=3)
        ours, theirs = env.step(actions), other.step(actions)
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_array_equal(ours[1], theirs[1])


def test_games_reach_another_process() -> None:
    games = make_simulator("box2d")
    games.step(np.array([4], np.uint8), 30)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        there = pool.apply(copy.copy, (games,))
    assert there.state.tobytes() == games.state.tobytes()


@pytest.mark.parametrize("actions", ["minimal", "seeds", "full"])
def test_keys_for_gymnasiums_play(actions: str) -> None:
    env = gymnasium.make("qwop_wr/Qwop-v1", engine="box2d", actions=actions)
    keys: dict[tuple[int, ...], int] = env.get_wrapper_attr("get_keys_to_action")()
    assert all(env.action_space.contains(np.int64(action)) for action in keys.values())
    assert all(codes == tuple(sorted(codes)) and codes for codes in keys)
    named = {"".join(map(chr, codes)): action for codes, action in keys.items()}
    masks = {"minimal": "- o p q oq pq w ow pw", "seeds": "- q w o p qw pq ow op"}
    if actions == "full":
        assert len(named) == 15
        assert (named["q"], named["w"], named["opqw"]) == (1, 2, 15)
    else:
        in_order = masks[actions].split()
        expected = {names: in_order.index(names) for names in in_order[1:]}
        assert expected.items() <= named.items()
    if actions == "minimal":
        # Q beats W and O beats P: every set of keys acts.
        assert len(named) == 15
        assert named["opqw"] == named["oq"]
        assert named["qw"] == named["q"]
