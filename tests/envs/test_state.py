"""An environment's state: what goes on from it is equal to the bit."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from numpy.typing import NDArray

from qwop_wr.envs.options import EnvironmentOptions
from qwop_wr.envs.sb3 import QwopVecEnv
from qwop_wr.envs.state import Arrays, generator_words, generators_from
from qwop_wr.envs.vector import QwopVectorEnv

N_GAMES = 9
N_ACTIONS = 9

PLAIN: dict[str, Any] = {"ticks_per_action": 2}
NOISY: dict[str, Any] = {
    "idle_ticks": 12,
    "sticky": 0.3,
    "sink_height": 1.3,
    "ticks_per_action": 3,
    "max_ticks": 90,
    "velocity": {"milestones": {2.0: 1.0, 4.0: 2.0}, "least_speed": 0.5, "normalise": True},
    "shaping": {
        "terms": {"low": {"term": "posture", "weight": 0.1, "height": -2.0}},
        "curriculum": [{"name": "stand", "decisions": 5, "reward": 0.5}],
    },
}


def _make(n_games: int = N_GAMES, autoreset: bool = True, **options: object) -> QwopVectorEnv:
    return QwopVectorEnv(n_games, EnvironmentOptions.from_keywords(options), autoreset)


def _actions(n_steps: int, seed: int) -> NDArray[np.int64]:
    held = np.random.default_rng(seed).integers(N_ACTIONS, size=(n_steps // 3 + 1, N_GAMES))
    return np.repeat(held, 3, axis=0)[:n_steps]


def _play(env: QwopVectorEnv, actions: NDArray[np.int64]) -> list[bytes]:
    """Everything that steps tell, as bytes."""
    told = []
    for action in actions:
        *arrays, infos = env.step(action)
        arrays += [*infos.values(), env.last_keys, env.last_ticks, env.drawn_idle_ticks]
        told += [np.asarray(array).tobytes() for array in arrays]
    return told


@pytest.mark.parametrize("options", [PLAIN, NOISY], ids=["plain", "noisy"])
@pytest.mark.parametrize("n_steps", [0, 1, 47])
def test_steps_after_a_state_are_the_same_bits(
    engine: str, options: dict[str, Any], n_steps: int
) -> None:
    env = _make(engine=engine, **options)
    env.reset(seed=3)
    _play(env, _actions(n_steps, seed=1))
    saved = env.state()
    expected = _play(env, _actions(60, seed=2))

    other = _make(engine=engine, **options)
    other.reset(seed=99)
    _play(other, _actions(20, seed=5))
    for again in (_make(engine=engine, **options), other):
        again.load_state(saved)
        assert _play(again, _actions(60, seed=2)) == expected


def test_ended_games_stay_ended(engine: str) -> None:
    env = _make(autoreset=False, engine=engine, sink_height=1.3, max_ticks=160)
    env.reset(seed=1)
    _play(env, _actions(25, seed=1))
    saved = env.state()
    assert 0 < saved["over"].sum() < N_GAMES
    again = _make(autoreset=False, engine=engine, sink_height=1.3, max_ticks=160)
    again.load_state(saved)
    assert _play(again, _actions(40, seed=2)) == _play(env, _actions(40, seed=2))


def test_loading_shows_what_the_last_step_showed(engine: str) -> None:
    env, other = _make(engine=engine, **NOISY), _make(engine=engine, **NOISY)
    observations, _ = env.reset(seed=1)
    for action in _actions(40, seed=1):
        assert other.load_state(env.state()).tobytes() == observations.tobytes()
        observations, *_ = env.step(action)


def test_saving_changes_nothing_and_is_not_changed() -> None:
    env, twin = _make(engine="exact", **NOISY), _make(engine="exact", **NOISY)
    for one in (env, twin):
        one.reset(seed=2)
    told = []
    for action in _actions(30, seed=1):
        told += _play(env, action[None])
        saved = env.state()
    before = {name: array.tobytes() for name, array in saved.items()}
    assert _play(twin, _actions(30, seed=1)) == told
    _play(env, _actions(30, seed=3))
    assert {name: array.tobytes() for name, array in saved.items()} == before


def test_vec_env_goes_on_with_returns_and_lengths(engine: str) -> None:
    env, again = (QwopVecEnv(_make(engine=engine, **NOISY)) for _ in range(2))
    env.seed(4)
    env.reset()
    for action in _actions(25, seed=1):
        env.step(action)
    again.load_state(env.state())
    episodes = 0
    for action in _actions(40, seed=2):
        one, other = env.step(action), again.step(action)
        for array, twin in zip(one[:3], other[:3], strict=True):
            assert np.asarray(array).tobytes() == np.asarray(twin).tobytes()
        assert [info.get("episode") for info in one[3]] == [
            info.get("episode") for info in other[3]
        ]
        episodes += int(np.sum(one[2]))
    assert episodes > 0


def test_a_state_of_another_environment_is_refused() -> None:
    env = _make(engine="exact", idle_ticks=5)
    env.reset(seed=1)
    _play(env, _actions(10, seed=1))
    saved = env.state()
    with pytest.raises(ValueError, match=r"'bodies' is .*\(9, 12, 6\), here .*\(4, 12, 6\)"):
        _make(4, engine="exact", idle_ticks=5).load_state(saved)
    with pytest.raises(ValueError, match=r"lacks 'velocity_counts'"):
        _make(engine="exact", idle_ticks=5, velocity={}).load_state(saved)
    with pytest.raises(ValueError, match=r"'played_keys' is uint8 of shape \(9, 3000\)"):
        _make(engine="exact", idle_ticks=5, ticks_per_action=3).load_state(saved)
    with pytest.raises(ValueError, match="another engine"):
        _make(engine="box2d", idle_ticks=5).load_state(saved)
    for name, array in QwopVecEnv(env).state().items():
        changed = {**QwopVecEnv(env).state(), name: array[:-1]}
        with pytest.raises(ValueError, match=name.removeprefix("games/")):
            QwopVecEnv(env).load_state(changed)


def _with(state: Arrays, name: str, value: int) -> Arrays:
    changed = state[name].copy()
    changed.flat[-1] = value
    return {**state, name: changed}


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("played_keys", 16, "mask above 15"),
        ("played_decisions", -1, "longer than an episode"),
        ("played_decisions", 31, "longer than an episode"),
        ("idle_ticks", 13, "0 to 12"),
        ("stick_decisions", -1, "not be negative"),
        ("generators", 2, "PCG64"),
        ("bodies", 7, "cannot be played again"),
    ],
)
def test_values_out_of_range_are_refused(name: str, value: int, complaint: str) -> None:
    env = _make(engine="exact", **NOISY)
    env.reset(seed=1)
    _play(env, _actions(10, seed=1))
    with pytest.raises(ValueError, match=complaint):
        env.load_state(_with(env.state(), name, value))


def test_generators_are_kept_with_their_spare_half() -> None:
    generators = [np.random.default_rng(seed) for seed in range(3)]
    generators[1].integers(10, dtype=np.uint32)
    again = generators_from(generator_words(generators))
    for one, other in zip(generators, again, strict=True):
        assert one.bit_generator.state == other.bit_generator.state
        draw, again_drawn = (g.integers(2**31, size=5, dtype=np.uint32) for g in (one, other))
        np.testing.assert_array_equal(draw, again_drawn)
    with pytest.raises(ValueError, match="PCG64, got a MT19937"):
        generator_words([np.random.Generator(np.random.MT19937(0))])


def test_there_is_no_state_before_the_first_reset() -> None:
    with pytest.raises(gymnasium.error.ResetNeeded):
        _make(engine="box2d").state()
