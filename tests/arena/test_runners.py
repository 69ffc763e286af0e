"""Runners play what their tapes, agents and players want, and can be rewound."""

import hashlib

import numpy as np
import pytest

from qwop_wr.arena.runners import AgentKeys, HeldKeys, Runner, TapeKeys
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.protocols import evaluate_without_noise
from qwop_wr.simulator.keys import O, P, Q, W
from qwop_wr.simulator.tape import Tape
from tests.evaluation.players import random_agent


def run_out(runner: Runner) -> None:
    while not runner.ended:
        runner.tick()


def state_hash(runner: Runner) -> str:
    return hashlib.sha256(runner.simulator.state[0].astype("<f8").tobytes()).hexdigest()


def test_a_tape_runs_as_it_claims(tape: Tape) -> None:
    runner = Runner("tape", TapeKeys(tape), "box2d")
    run_out(runner)
    assert state_hash(runner) == tape.state_sha256
    assert (runner.clock, runner.score) == (tape.score_time, tape.distance)
    assert runner.played == tape.per_tick_keys.tolist()
    assert runner.tape() == tape
    assert runner.result == f"stopped at {tape.distance:.1f} m"
    runner.tick()
    assert len(runner.played) == tape.ticks


def test_a_fall_is_told(fall: Tape) -> None:
    runner = Runner("fall", TapeKeys(fall), "box2d")
    assert runner.result == ""
    run_out(runner)
    assert runner.result == f"fell at {fall.distance:.1f} m"
    assert not runner.finished
    assert runner.lane().result == runner.result


@pytest.mark.parametrize("engine", ["exact", "box2d"])
@pytest.mark.parametrize("ticks_per_action", [1, 3])
def test_an_agent_runs_live_as_it_is_evaluated(engine: str, ticks_per_action: int) -> None:
    game = EnvironmentOptions.from_keywords(
        {"engine": engine, "ticks_per_action": ticks_per_action}
    )
    agent = random_agent(game)
    evaluated = evaluate_without_noise(agent, game, EvaluationOptions(max_ticks=300)).tapes[
        "native"
    ]
    runner = Runner("agent", AgentKeys(agent), engine)
    for _ in range(evaluated.ticks):
        runner.tick()
    assert runner.played == evaluated.per_tick_keys.tolist()
    assert state_hash(runner) == evaluated.state_sha256


def test_an_agent_of_another_game_is_refused() -> None:
    game = EnvironmentOptions()
    agent = random_agent(game)
    spec = agent.spec.model_copy(update={"actions": "all"})
    with pytest.raises(ValueError, match="actions is 'all'"):
        AgentKeys(type(agent)(spec, agent.weights))


@pytest.mark.parametrize("moment", [0, 1, 12, 34])
def test_rewound_runs_go_on_as_before(tape: Tape, moment: int) -> None:
    runner = Runner("tape", TapeKeys(tape), "box2d")
    for _ in range(moment):
        runner.tick()
    then = runner.simulator.state
    run_out(runner)
    runner.rewind(moment)
    np.testing.assert_array_equal(runner.simulator.state, then)
    assert (len(runner.played), runner.ended) == (moment, False)
    run_out(runner)
    assert state_hash(runner) == tape.state_sha256


def test_rewinding_ahead_or_before_the_start_is_harmless(tape: Tape) -> None:
    runner = Runner("tape", TapeKeys(tape), "box2d")
    runner.tick()
    runner.rewind(5)
    assert len(runner.played) == 1
    runner.rewind(-3)
    assert runner.played == []


def test_a_tap_between_two_ticks_counts_for_one() -> None:
    keys = HeldKeys()
    runner = Runner("you", keys, "box2d")
    keys.press(Q)
    keys.press(O)
    keys.release(O)
    runner.tick()
    runner.tick()
    keys.press(W)
    keys.press(P)
    keys.release_all()
    runner.tick()
    assert runner.played == [Q | O, Q, 0]
