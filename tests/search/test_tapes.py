"""Tapes as transitions, against the vector environment that plays the same actions."""

import numpy as np
import pytest
from numpy.typing import NDArray

from qwop_wr.envs import ACTION_SETS, EnvironmentOptions, QwopVectorEnv
from qwop_wr.search.tapes import decisions_of, replay_transitions
from qwop_wr.simulator.tape import Tape

ENV = EnvironmentOptions(ticks_per_action=2, fall_cost=3.0)
MASKS = ACTION_SETS["minimal"]


def tape_of(actions: list[int], idle_ticks: int = 0) -> Tape:
    idle = np.zeros(idle_ticks, np.uint8)
    return Tape.record(np.concatenate([idle, np.repeat(MASKS[actions], 2)]))


def falling_actions() -> list[int]:
    return [1] * 30


def test_equals_the_environment() -> None:
    actions = falling_actions()
    transitions = replay_transitions([tape_of(actions)], ENV)
    env = QwopVectorEnv(1, ENV, autoreset=False)
    obs, _ = env.reset(seed=0)
    for step, action in enumerate(transitions.actions):
        np.testing.assert_array_equal(transitions.obs[step], obs[0])
        obs, reward, terminated, _, _ = env.step(np.array([action]))
        np.testing.assert_array_equal(transitions.next_obs[step], obs[0])
        assert transitions.rewards[step] == pytest.approx(reward[0], rel=1e-6)
        assert transitions.dones[step] == terminated[0]
    assert transitions.dones[-1]
    assert transitions.actions.tolist() == actions[: len(transitions)]


def test_a_finish_is_no_end_of_value(finishing_keys: NDArray[np.uint8]) -> None:
    one_tick = EnvironmentOptions(platform="node", ticks_per_action=1, actions="full")
    transitions = replay_transitions([Tape.record(finishing_keys, platform="node")], one_tick)
    assert len(transitions) == len(finishing_keys)
    assert not transitions.dones.any()


def test_episodes_are_numbered() -> None:
    transitions = replay_transitions([tape_of([3, 4]), tape_of([5, 6, 7])], ENV)
    assert transitions.episode.tolist() == [0, 0, 1, 1, 1]
    assert transitions.actions.tolist() == [3, 4, 5, 6, 7]


@pytest.mark.parametrize(("idle", "expected"), [(0, (0, [3, 4])), (1, (1, [3, 4]))])
def test_odd_waiting_is_idle(idle: int, expected: tuple[int, list[int]]) -> None:
    decisions = decisions_of(tape_of([3, 4], idle), ENV)
    assert (decisions.idle_ticks, decisions.actions.tolist()) == expected


def test_even_waiting_is_decisions_without_keys() -> None:
    decisions = decisions_of(tape_of([3, 4], 4), ENV)
    assert (decisions.idle_ticks, decisions.actions.tolist()) == (0, [0, 0, 3, 4])


def test_keys_that_change_too_often() -> None:
    tape = Tape.record(np.array([1, 2, 1, 2], np.uint8))
    with pytest.raises(ValueError, match="keys change within decisions of 2 ticks"):
        decisions_of(tape, ENV)


def test_keys_outside_the_action_set() -> None:
    tape = Tape.record(np.full(4, 12, np.uint8))
    with pytest.raises(ValueError, match="holds keys 12, which action set 'minimal' lacks"):
        decisions_of(tape, ENV)
