"""Shaped rewards: each term against its formula, and terms, weights and phases together."""

from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from qwop_wr.envs import EnvironmentOptions, QwopEnv, QwopVectorEnv, Snapshot
from qwop_wr.envs.sb3 import QwopVecEnv
from qwop_wr.envs.shaping import Shaping, Step, Term, knee_heights, limit_distances
from qwop_wr.simulator import make_simulator
from qwop_wr.simulator.anatomy import JOINTS, PART_INDEX
from qwop_wr.simulator.keys import O, P, Q, W


def term(**options: object) -> Term:
    return TypeAdapter[Term](Term).validate_python(options)


def standing(n_games: int = 1) -> Snapshot:
    return Snapshot.of(make_simulator("exact", n_games))


def still(games: Snapshot) -> Step:
    """Two ticks in which nothing changes."""
    keys = np.zeros(len(games.ticks), dtype=np.uint8)
    return Step(games, games, keys, keys, np.full(len(keys), 2))


def moved(**fields: list[float]) -> Step:
    """Two ticks, after which the torsos are elsewhere; game by game."""
    n_games = len(next(iter(fields.values())))
    before, after = standing(n_games), standing(n_games)
    for name, values in fields.items():
        after.state[:, 0, {"x": 0, "y": 1}[name]] = values
    keys = np.zeros(n_games, dtype=np.uint8)
    return Step(before, after, keys, keys, np.full(n_games, 2))


def test_a_low_torso_is_charged_for_by_depth_and_tick() -> None:
    rewards = term(term="posture", weight=0.5, height=1.3).rewards(moved(y=[-1.0, 1.3, 2.3]))
    assert rewards == pytest.approx([0.0, 0.0, -0.5 * 1.0 * 2])


def test_an_upright_torso_is_paid_for_by_tick() -> None:
    rewards = term(term="upright", weight=0.5).rewards(moved(y=[-1.0, 1.3, 2.3]))
    assert rewards == pytest.approx([1.0, 1.0, 0.0])


def test_speed_is_paid_for_by_its_power() -> None:
    step = moved(x=[standing().state[0, 0, 0] + units for units in (2.0, -2.0)])
    # 0.2 m in 2/30 s are 3 m/s.
    assert term(term="speed", weight=2.0).rewards(step) == pytest.approx([2 * 9 * 2 / 30, 0])
    linear = term(term="speed", weight=2.0, exponent=1.0)
    assert linear.rewards(step) == pytest.approx([2 * 0.2, 0])


def test_every_key_pressed_or_released_is_charged_for() -> None:
    games = standing(4)
    before = np.array([0, Q | P, Q | P, Q], dtype=np.uint8)
    keys = np.array([Q | O, W | O, Q | P, W], dtype=np.uint8)
    step = Step(games, games, before, keys, np.array([2, 2, 2, 0]))
    # The last game has ended and holds no keys.
    assert term(term="energy", weight=0.1).rewards(step) == pytest.approx([-0.2, -0.4, 0, 0])


def test_low_knees_are_charged_for_by_depth() -> None:
    games = standing(2)
    games.state[1, :, 1] += 5.0
    step = still(games)
    rewards = term(term="knees", weight=1.0).rewards(step)
    assert rewards[0] == 0
    depths = 1.5 - knee_heights(games.state)[1]
    assert (depths > 0).all()
    assert rewards[1] == pytest.approx(-2 * depths.sum())
    deeper = term(term="knees", weight=1.0, height=2.5).rewards(step)
    assert deeper[1] == pytest.approx(rewards[1] - 2 * 2 * 1.0)


def test_joints_near_a_limit_are_charged_for() -> None:
    games = standing(3)
    joint = next(joint for joint in JOINTS if joint.name == "left_knee")
    angle = games.state[0, PART_INDEX["left_thigh"], 2] - joint.reference_angle
    for game, left in ((0, 0.5), (1, 0.1), (2, 0.0)):  # so far above the lower limit, -1.6
        games.state[game, PART_INDEX["left_calf"], 2] = angle - (joint.lower + left)
    step = still(games)
    options = {"term": "joint_limits", "weight": 0.5, "margin": 0.2, "joints": ["left_knee"]}
    assert term(**options).rewards(step) == pytest.approx([0, -0.5 * 0.5 * 2, -0.5 * 2])


def test_calf_keys_move_the_limits_of_the_hips() -> None:
    state = standing(3).state
    calf_key = np.array([0, O, P], dtype=np.uint8)
    distances = limit_distances(state, calf_key, ["left_hip"])[:, 0]
    # The hip stands at 0.04: up to 0.5 before any key and after P, up to 1 after O.
    assert distances == pytest.approx([0.46, 0.96, 0.46], abs=0.01)


def test_joints_stay_within_their_limits_in_play() -> None:
    game = make_simulator("exact")
    names = ["left_hip", "right_hip", "left_knee", "right_knee"]
    for mask in [Q | P] * 12 + [W | O] * 12 + [0] * 6:
        game.step(np.array([mask], dtype=np.uint8))
        distances = limit_distances(game.state, game.calf_key, names)
        # The solver lets a limit be passed by a little.
        assert distances.min() > -0.25


TERMS: dict[str, Any] = {
    "low": {"term": "posture", "weight": 0.1, "height": -2.0},
    "restless": {"term": "energy", "weight": 0.01},
    "legs": {"term": "joint_limits", "weight": 0.02},
}
KEYS = [Q | P, W | O, 0] * 20


def options(**changes: Any) -> EnvironmentOptions:
    fixed = {"engine": "exact", "actions": "full", "ticks_per_action": 2}
    return EnvironmentOptions.from_keywords({**fixed, **changes})


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
