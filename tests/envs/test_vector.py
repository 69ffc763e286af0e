"""The vector environment: Gymnasium's contract, episodes and determinism."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from qwop_wr.envs.actions import ACTION_SETS
from qwop_wr.envs.chance import Seed
from qwop_wr.envs.options import EnvironmentOptions
from qwop_wr.envs.vector import QwopVectorEnv
from qwop_wr.simulator import make_simulator

Step = tuple[NDArray[Any], ...]
Games = slice | list[int]


def _make(n_games: int, autoreset: bool = True, **options: object) -> QwopVectorEnv:
    """Games of two ticks per decision unless told otherwise, in which runners fall soon."""
    settings = EnvironmentOptions.from_keywords({"ticks_per_action": 2, **options})
    return QwopVectorEnv(n_games, settings, autoreset)


def _actions(n_steps: int, n_games: int, n_actions: int = 9, seed: int = 0) -> NDArray[np.int64]:
    """Random actions, each held for two decisions."""
    generator = np.random.default_rng(seed)
    choices = generator.integers(n_actions, size=(n_steps // 2 + 1, n_games))
    return np.repeat(choices, 2, axis=0)[:n_steps]


def _play(env: QwopVectorEnv, actions: NDArray[np.int64], seed: Seed) -> list[Step]:
    env.reset(seed=seed)
    steps: list[Step] = []
    for action in actions:
        observations, rewards, terminated, truncated, infos = env.step(action)
        played = (env.last_keys, env.last_ticks, env.drawn_idle_ticks)
        steps.append((observations, rewards, terminated, truncated, *played, *infos.values()))
    return steps


def _assert_same(one: list[Step], other: list[Step], games: Games = slice(None)) -> None:
    for arrays, others in zip(one, other, strict=True):
        for array, twin in zip(arrays, others, strict=True):
            np.testing.assert_array_equal(array[games], twin)


@pytest.mark.parametrize("observation", ["egocentric", "absolute"])
@pytest.mark.parametrize("reward", ["time", "qwop_gym"])
@pytest.mark.parametrize("actions", list(ACTION_SETS))
def test_returns_fit_the_spaces(engine: str, observation: str, reward: str, actions: str) -> None:
    env = _make(3, engine=engine, observation=observation, reward=reward, actions=actions)
    observations, _ = env.reset(seed=1)
    assert observations in env.observation_space
    for _ in range(60):
        sample = env.action_space.sample()
        observations, rewards, terminated, truncated, infos = env.step(sample)
        assert observations in env.observation_space
        assert rewards.shape == (3,)
        assert np.isfinite(rewards).all()
        assert terminated.dtype == truncated.dtype == np.bool_
        assert {name: values.shape for name, values in infos.items()} == {
            "distance": (3,),
            "ticks": (3,),
            "score_time": (3,),
            "finished": (3,),
            "fallen": (3,),
            "sunk": (3,),
            "_final_obs": (3,),
            "final_obs": observations.shape,
        }


def test_equal_seeds_give_equal_runs_to_the_bit(engine: str) -> None:
    options: dict[str, Any] = {"engine": engine, "idle_ticks": 6, "sticky": 0.25}
    actions = _actions(150, 4)
    env = _make(4, **options)
    first = _play(env, actions, seed=7)
    _assert_same(first, _play(env, actions, seed=7))
    _assert_same(first, _play(_make(4, **options), actions, seed=7))


def test_other_seeds_give_other_runs(engine: str) -> None:
    env = _make(4, engine=engine, idle_ticks=40)
    drawn = []
    for seed in range(5):
        env.reset(seed=seed)
        drawn.append(tuple(env.drawn_idle_ticks))
    assert len(set(drawn)) == 5


def test_a_run_depends_on_its_own_seed_and_not_on_its_place(engine: str) -> None:
    options: dict[str, Any] = {"engine": engine, "idle_ticks": 6, "sticky": 0.25}
    seeds, order = [11, 22, 33, 44, 55], [3, 0, 4]
    actions = _actions(120, 5)
    whole = _play(_make(5, **options), actions, seed=seeds)
    part = _play(_make(3, **options), actions[:, order], [seeds[game] for game in order])
    _assert_same(whole, part, games=order)


def test_one_seed_spawns_the_same_games_in_any_number(engine: str) -> None:
    actions = _actions(60, 6)
    whole = _play(_make(6, engine=engine, idle_ticks=9), actions, seed=5)
    part = _play(_make(2, engine=engine, idle_ticks=9), actions[:, :2], seed=5)
    _assert_same(whole, part, games=slice(2))


def test_generators_go_on_when_no_seed_is_given() -> None:
    env = _make(8, engine="box2d", idle_ticks=90)
    env.reset(seed=3)
    first = env.drawn_idle_ticks
    env.reset()
    second = env.drawn_idle_ticks
    env.reset(seed=3)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(env.drawn_idle_ticks, first)
    env.reset(seed=[None] * 8)
    np.testing.assert_array_equal(env.drawn_idle_ticks, second)


def test_played_keys_rebuild_the_run(engine: str) -> None:
    env = _make(4, autoreset=False, engine=engine, idle_ticks=7, sticky=0.3, ticks_per_action=3)
    _, infos = env.reset(seed=2)
    keys = [[0] * int(idle) for idle in env.drawn_idle_ticks]
    np.testing.assert_array_equal(infos["ticks"], env.drawn_idle_ticks)
    for action in _actions(40, 4):
        *_, infos = env.step(action)
        for game in range(4):
            keys[game] += [int(env.last_keys[game])] * int(env.last_ticks[game])
    for game, played in enumerate(keys):
        simulator = make_simulator(engine, 1)
        for mask in played:
            simulator.step(np.array([mask], dtype=np.uint8))
        assert simulator.ticks[0] == infos["ticks"][game] == len(played)
        assert simulator.score_time[0] == infos["score_time"][game]
        assert simulator.score[0] == infos["distance"][game]


def test_idle_ticks_cover_their_range(engine: str) -> None:
    env = _make(64, engine=engine, idle_ticks=3)
    _, infos = env.reset(seed=0)
    assert set(env.drawn_idle_ticks.tolist()) == {0, 1, 2, 3}
    np.testing.assert_allclose(infos["score_time"], (env.drawn_idle_ticks + 1) / 30)


def test_sticky_keys_repeat_as_often_as_asked() -> None:
    env = _make(50, autoreset=False, engine="box2d", sticky=0.3, actions="full")
    env.reset(seed=1)
    repeats = decisions = 0
    held = env.last_keys
    for step in range(60):
        action = np.full(50, step % 2 + 1)
        wanted = ACTION_SETS["full"][action]
        env.step(action)
        differs = wanted != held
        decisions += int(differs.sum())
        repeats += int((env.last_keys != wanted)[differs].sum())
        assert np.isin(env.last_keys[env.last_keys != wanted], held).all()
        held = env.last_keys
    assert repeats / decisions == pytest.approx(0.3, abs=0.03)


def test_the_first_decision_sticks_to_no_keys() -> None:
    env = _make(40, engine="box2d", sticky=0.9)
    env.reset(seed=1)
    env.step(np.full(40, 5))
    assert set(env.last_keys.tolist()) == {0, int(ACTION_SETS["minimal"][5])}


def test_a_new_episode_begins_in_the_step_that_ends_one(engine: str) -> None:
    env = _make(6, engine=engine, idle_ticks=5)
    twin = _make(6, autoreset=False, engine=engine, idle_ticks=5)
    assert env.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    env.reset(seed=4)
    twin.reset(seed=4)
    alive = np.ones(6, dtype=np.bool_)
    for action in _actions(150, 6):
        observations, rewards, terminated, truncated, infos = env.step(action)
        expected = twin.step(action)
        np.testing.assert_array_equal(infos["final_obs"][alive], expected[0][alive])
        np.testing.assert_array_equal(rewards[alive], expected[1][alive])
        for name in ("distance", "ticks", "score_time", "fallen"):
            np.testing.assert_array_equal(infos[name][alive], expected[4][name][alive])
        done = terminated | truncated
        np.testing.assert_array_equal(infos["_final_obs"], done)
        np.testing.assert_array_equal(observations[~done], infos["final_obs"][~done])
        for game in np.flatnonzero(done):
            fresh = make_simulator(engine, 1)
            fresh.step(np.zeros(1, dtype=np.uint8), int(env.drawn_idle_ticks[game]))
            np.testing.assert_array_equal(env.simulator.state[game], fresh.state[0])
            assert np.abs(observations[game, :60]).max() < 1.0
        alive &= ~done
    assert not alive.all()


def test_without_autoreset_ended_games_stand_still(engine: str) -> None:
    env = _make(4, autoreset=False, engine=engine, max_ticks=90, sink_height=1.3)
    assert env.metadata["autoreset_mode"] is AutoresetMode.DISABLED
    env.reset(seed=4)
    ended: dict[int, Step] = {}
    for action in _actions(80, 4):
        observations, rewards, terminated, truncated, infos = env.step(action)
        for game in np.flatnonzero(terminated | truncated).tolist():
            now = tuple(
                values[game] for values in (observations, terminated, truncated, *infos.values())
            )
            if game in ended:
                for value, before in zip(now, ended[game], strict=True):
                    np.testing.assert_array_equal(value, before)
                assert rewards[game] == 0.0
                assert env.last_ticks[game] == 0
            ended[game] = now
    assert len(ended) == 4


def test_reset_mask_begins_single_games_anew(engine: str) -> None:
    env = _make(3, autoreset=False, engine=engine)
    start, _ = env.reset(seed=1)
    for action in _actions(10, 3):
        before, *_ = env.step(action)
    after, infos = env.reset(options={"reset_mask": np.array([False, True, False])})
    np.testing.assert_array_equal(after[1], start[1])
    np.testing.assert_array_equal(after[[0, 2]], before[[0, 2]])
    assert infos["ticks"].tolist() == [20, 0, 20]


def test_truncation_comes_with_the_decision_that_reaches_the_limit(engine: str) -> None:
    env = _make(2, autoreset=False, engine=engine, max_ticks=9, ticks_per_action=4)
    env.reset(seed=0)
    flags = [env.step(np.zeros(2, dtype=np.int64))[3].tolist() for _ in range(3)]
    assert flags == [[False, False], [False, False], [True, True]]


def test_reward_is_the_true_progress(engine: str) -> None:
    env = _make(3, autoreset=False, engine=engine, metre_reward=1.0, tick_cost=0.0)
    env.reset(seed=0)
    start = env.simulator.state[:, 0, 0]
    total = sum(env.step(action)[1] for action in _actions(12, 3))
    np.testing.assert_allclose(total, (env.simulator.state[:, 0, 0] - start) / 10)


def test_returned_arrays_are_not_reused() -> None:
    env = _make(2, engine="box2d")
    env.reset(seed=0)
    first = env.step(np.zeros(2, dtype=np.int64))
    kept = [values.copy() for values in (first[0], *first[4].values())]
    first[0][:] = 99.0
    for _ in range(5):
        second = env.step(np.ones(2, dtype=np.int64))
    for values, copy in zip(first[4].values(), kept[1:], strict=True):
        np.testing.assert_array_equal(values, copy)
    assert np.abs(second[0]).max() <= 5.0


def test_make_vec_uses_the_native_environment() -> None:
    env = gymnasium.make_vec("qwop_wr/Qwop-v1", num_envs=3, engine="box2d", actions="qwop_gym")
    assert isinstance(env, QwopVectorEnv)
    assert env.options.actions == "qwop_gym"
    assert env.num_envs == 3
    env.close()


def test_episode_statistics_wrapper_agrees(engine: str) -> None:
    native = _make(4, engine=engine)
    env = gymnasium.wrappers.vector.RecordEpisodeStatistics(native)
    env.reset(seed=0)
    totals = np.zeros(4)
    seen = 0
    for action in _actions(150, 4):
        _, rewards, terminated, truncated, infos = env.step(action)
        totals += rewards
        for game in np.flatnonzero(terminated | truncated):
            assert infos["episode"]["r"][game] == pytest.approx(totals[game])
            totals[game] = 0.0
            seen += 1
    assert seen > 0


@pytest.mark.parametrize(
    ("actions", "complaint"),
    [
        (np.zeros(2, dtype=np.int64), r"shape \(3,\), got \(2,\)"),
        (np.zeros((3, 1), dtype=np.int64), r"shape \(3,\), got \(3, 1\)"),
        (np.zeros(3), "must be integers, got float64"),
        (np.array([0, 9, 0]), "0 to 8, got 9"),
        (np.array([0, -1, 0]), "0 to 8, got -1"),
    ],
)
def test_wrong_actions_are_refused(actions: NDArray[Any], complaint: str) -> None:
    env = _make(3, engine="box2d")
    env.reset(seed=0)
    with pytest.raises(ValueError, match=complaint):
        env.step(actions)


@pytest.mark.parametrize(
    ("seed", "complaint"),
    [
        (-1, "integer of at least 0, got -1"),
        ([1, 2], "2 seeds do not fit 3 games"),
        ([1, 2, -3], "got -3"),
        ([1, 2, 0.5], "got 0.5"),
    ],
)
def test_wrong_seeds_are_refused(seed: Seed, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        _make(3, engine="box2d").reset(seed=seed)


def test_wrong_masks_modes_and_numbers_are_refused() -> None:
    env = _make(3, engine="box2d")
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"booleans of shape \(3,\), got int64 of shape \(2,\)"):
        env.reset(options={"reset_mask": [0, 1]})
    with pytest.raises(ValueError, match="'rgb_array' or None, got 'human'"):
        QwopVectorEnv(1, EnvironmentOptions(engine="box2d"), render_mode="human")
    with pytest.raises(ValueError, match="n_games must be at least 1, got 0"):
        _make(0, engine="box2d")


def test_a_reset_must_come_first() -> None:
    env = _make(2, engine="box2d")
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(np.zeros(2, dtype=np.int64))
    with pytest.raises(gymnasium.error.ResetNeeded, match="reset all games"):
        env.reset(options={"reset_mask": np.array([True, False])})


def test_the_time_limit_is_told_in_seconds_of_the_clock() -> None:
    assert _make(1, autoreset=False).time_limit == 100.0
    assert _make(1, autoreset=False, max_ticks=6000).time_limit == 200.0
