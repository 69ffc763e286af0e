"""Nodes of the evaluation."""

import json
from dataclasses import replace

import pytest

from qwop_wr.agents.agent import Agent
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.errors import BadInputError
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.pipelines.evaluation.nodes import (
    challenge_champion,
    run_protocols,
    summarise_evaluation,
)
from qwop_wr.simulator.tape import verify_tape

OPTIONS = EvaluationOptions(seeds=3, max_ticks=40, bootstrap_resamples=100)
SCORE = {"finish_rate": 0.5, "median_time": None, "mean_distance": 7.0, "mean_cost": 150.0}


def test_protocols_give_rows_and_tapes_that_replay(
    agent: Agent, environment: EnvironmentOptions
) -> None:
    episodes, native, tapes = run_protocols(agent, environment, OPTIONS)
    assert list(episodes["seed"]) == [10_000, 10_001, 10_002]
    assert list(native["idle_ticks"]) == [0]
    assert "native" in tapes
    for tape in tapes.values():
        assert verify_tape(tape).state_sha256 == tape.state_sha256


def test_summary_is_json_and_its_numbers_are_metrics(
    agent: Agent, environment: EnvironmentOptions
) -> None:
    episodes, native, _ = run_protocols(agent, environment, OPTIONS)
    gate = {"incoming": None, "outgoing": SCORE, "promoted": True, "n_starts": 4}
    summary, version, metrics = summarise_evaluation(
        episodes, native, OPTIONS, seed=1, dqnfd=gate, velocity=gate
    )
    assert json.loads(json.dumps(summary, allow_nan=False)) == version
    assert list(summary["stages"]) == ["dqnfd", "velocity"]
    assert metrics["velocity.mean_distance"] == {"step": 0, "value": 7.0}
    assert "velocity.median_time" not in metrics
    assert metrics["mean_distance"]["value"] == pytest.approx(episodes["distance"].mean())


def test_champion_is_the_expert_until_someone_is_better(
    agent: Agent, environment: EnvironmentOptions
) -> None:
    episodes, _, _ = run_protocols(agent, environment, OPTIONS)
    expert = replace(agent, weights={name: -array for name, array in agent.weights.items()})
    found, champion = challenge_champion(
        agent, episodes, None, expert, environment, OPTIONS, seed=1
    )
    assert champion is expert
    assert list(found["comparisons"]) == ["expert"]
    assert found["comparisons"]["expert"]["opponent"] == expert.fingerprint
    # An agent that is evaluated again is not compared with itself.
    found, champion = challenge_champion(
        agent, episodes, agent, expert, environment, OPTIONS, seed=1
    )
    assert champion is agent
    assert list(found["comparisons"]) == ["expert"]
    found, champion = challenge_champion(agent, episodes, None, None, environment, OPTIONS, 1)
    assert champion.fingerprint == found["champion"] == agent.fingerprint
    with pytest.raises(BadInputError, match="those of another agent"):
        challenge_champion(
            agent, episodes.assign(agent="b"), None, expert, environment, OPTIONS, seed=1
        )


def test_agent_of_another_environment_is_refused(
    agent: Agent, environment: EnvironmentOptions
) -> None:
    other = environment.model_copy(update={"observation": "absolute"})
    with pytest.raises(BadInputError, match="observation = 'egocentric'"):
        run_protocols(agent, other, OPTIONS)
