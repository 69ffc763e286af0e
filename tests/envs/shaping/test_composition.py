"""Shaped rewards in the environments."""

from typing import Any

import numpy as np
import pytest

from qwop_wr.envs import EnvironmentOptions, QwopEnv, QwopVectorEnv
from qwop_wr.envs.sb3 import QwopVecEnv
from qwop_wr.envs.shaping import Shaping
from qwop_wr.simulator.keys import O, P, Q, W

TERMS: dict[str, Any] = {
    "low": {"term": "posture", "weight": 0.1, "height": -2.0},
    "restless": {"term": "energy", "weight": 0.01},
    "legs": {"term": "joint_limits", "weight": 0.02},
}
KEYS = [Q | P, W | O, 0] * 20


def options(**changes: Any) -> EnvironmentOptions:
    return EnvironmentOptions.from_keywords({"engine": "exact", "actions": "full", **changes})


def actions(env: QwopVectorEnv) -> list[int]:
    masks = env._masks.tolist()
    return [masks.index(mask) for mask in KEYS]


def returns(shaping: dict[str, Any] | None, n_games: int = 2) -> tuple[np.ndarray, dict[str, Any]]:
    env = QwopVectorEnv(n_games, options(shaping=shaping), autoreset=False)
    env.reset(seed=0)
    rewards: list[np.ndarray] = []
    infos: dict[str, Any] = {}
    for action in actions(env):
        _, reward, _, _, infos = env.step([action] * n_games)
        rewards.append(reward)
    return np.array(rewards), infos


def test_sums_of_the_terms_are_what_the_rewards_differ_by() -> None:
    plain, infos = returns(None)
    assert not [name for name in infos if name.startswith("shaping/")]
    shaped, infos = returns({"terms": TERMS})
    sums = {name: infos[f"shaping/{name}"] for name in TERMS}
    assert all((values < 0).all() for values in sums.values())
    np.testing.assert_allclose((shaped - plain).sum(axis=0), sum(sums.values()))


def test_nothing_is_added_after_the_end() -> None:
    env = QwopVectorEnv(1, options(shaping={"terms": TERMS}), autoreset=False)
    env.reset(seed=0)
    over, last = False, 0.0
    for _ in range(400):
        _, reward, terminated, _, infos = env.step([3])
        if over:
            assert reward[0] == 0
            assert infos["shaping/low"][0] == last
        over, last = bool(terminated[0]), infos["shaping/low"][0]
    assert over


def test_phases_follow_one_another_and_weigh_reward_and_terms() -> None:
    curriculum = [
        {"name": "stand", "decisions": 10, "reward": 0.0, "terms": {"legs": 0.0}},
        {"name": "move", "decisions": 20, "terms": {"restless": 2.0}},
        {"name": "speed", "decisions": 1, "reward": 2.0, "terms": dict.fromkeys(TERMS, 0.0)},
    ]
    plain, _ = returns(None)
    one_by_one = {name: returns({"terms": {name: TERMS[name]}})[0] - plain for name in TERMS}
    shaped, _ = returns({"terms": TERMS, "curriculum": curriculum})
    low, restless, legs = one_by_one["low"], one_by_one["restless"], one_by_one["legs"]
    np.testing.assert_allclose(shaped[:10], (low + restless)[:10], atol=1e-12)
    np.testing.assert_allclose(shaped[10:30], (plain + low + 2 * restless + legs)[10:30])
    np.testing.assert_allclose(shaped[30:], 2 * plain[30:])


def test_a_state_is_gone_on_from() -> None:
    shaping = options(
        shaping={"terms": TERMS, "curriculum": [{"name": "stand", "decisions": 5, "reward": 0.0}]}
    ).shaping
    assert shaping is not None
    first = Shaping(shaping, 2)
    first._sums[:] = [[1, 2, 3], [4, 5, 6]]
    first._decisions = 7
    second = Shaping(shaping, 2)
    second.load_state(first.state())
    assert second.sums["shaping/restless"].tolist() == [2, 5]
    assert second._decisions == 7
    with pytest.raises(ValueError, match="must not be negative"):
        second.load_state({**first.state(), "shaping_decisions": np.array([-1])})


def test_ended_episodes_tell_their_sums_to_the_learner() -> None:
    env = QwopVecEnv(QwopVectorEnv(1, options(shaping={"terms": TERMS}, max_ticks=20)))
    env.reset()
    sums = []
    for action in actions(env.games)[:20]:
        env.step_async(np.array([action]))
        _, _, dones, infos = env.step_wait()
        if dones[0]:
            sums.append(infos[0]["shaping/restless"])
    # Ten decisions an episode; the keys of the one before do not count for the next.
    changes = [2 + 4 + 2 + 2 + 4 + 2 + 2 + 4 + 2 + 2, 2 + 2 + 2 + 4 + 2 + 2 + 4 + 2 + 2 + 4]
    assert sums == pytest.approx([-0.01 * number for number in changes])


def test_one_game_has_them_too() -> None:
    env = QwopEnv(shaping={"terms": TERMS})
    env.reset(seed=0)
    assert {f"shaping/{name}" for name in TERMS} <= env.step(4)[4].keys()


@pytest.mark.parametrize(
    ("shaping", "message"),
    [
        ({"terms": {"low": {"term": "postur", "weight": 1}}}, "tags: 'posture', 'knees', 'energy'"),
        ({"terms": {"low": {"weight": 1}}}, "unable to extract tag using discriminator 'term'"),
        ({"terms": {"low": {"term": "posture", "weight": -1}}}, "shaping.terms.low.posture.weight"),
        ({"terms": {"low": {"term": "posture", "weight": 1, "wait": 1}}}, "'shaping.terms.low"),
        ({"terms": {"Low!": {"term": "posture", "weight": 1}}}, "match pattern"),
        ({"terms": {}}, "at least 1 item"),
        (
            {
                "terms": TERMS,
                "curriculum": [{"name": "stand", "decisions": 1, "terms": {"lo": 1.0}}],
            },
            "phase 'stand' weighs 'lo', but the terms are low, restless, legs",
        ),
    ],
)
def test_bad_options_are_told(shaping: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match="shaping") as error:
        EnvironmentOptions.from_keywords({"shaping": shaping})
    assert message in str(error.value)
