"""Nodes of the evaluation."""

import io
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from qwop_wr.agents.agent import Agent
from qwop_wr.compute import SERIAL
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.errors import BadInputError
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.pipelines.evaluation.nodes import (
    challenge_champion,
    confirm_evaluation,
    confirm_stages,
    run_protocols,
    summarise_evaluation,
)
from qwop_wr.simulator.tape import Tape, verify_tape

OPTIONS = EvaluationOptions(seeds=3, max_ticks=40, bootstrap_resamples=100)
SCORE = {"finish_rate": 0.5, "median_time": None, "mean_distance": 7.0, "mean_cost": 150.0}


def test_protocols_give_rows_and_tapes_that_replay(
    agent: Agent, environment: EnvironmentOptions
) -> None:
    episodes, native, tapes = run_protocols(agent, environment, OPTIONS, SERIAL)
    assert list(episodes["seed"]) == [10_000, 10_001, 10_002]
    assert list(native["idle_ticks"]) == [0]
    assert "native" in tapes
    for tape in tapes.values():
        assert verify_tape(tape).state_sha256 == tape.state_sha256


def test_summary_is_json_and_its_numbers_are_metrics(
    agent: Agent, environment: EnvironmentOptions
) -> None:
    episodes, native, _ = run_protocols(agent, environment, OPTIONS, SERIAL)
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
    episodes, _, _ = run_protocols(agent, environment, OPTIONS, SERIAL)
    expert = replace(agent, weights={name: -array for name, array in agent.weights.items()})
    found, champion = challenge_champion(
        agent, episodes, None, expert, environment, OPTIONS, 1, SERIAL
    )
    assert champion is expert
    assert list(found["comparisons"]) == ["expert"]
    assert found["comparisons"]["expert"]["opponent"] == expert.fingerprint
    # An agent that is evaluated again is not compared with itself.
    found, champion = challenge_champion(
        agent, episodes, agent, expert, environment, OPTIONS, 1, SERIAL
    )
    assert champion is agent
    assert list(found["comparisons"]) == ["expert"]
    found, champion = challenge_champion(
        agent, episodes, None, None, environment, OPTIONS, 1, SERIAL
    )
    assert champion.fingerprint == found["champion"] == agent.fingerprint
    with pytest.raises(BadInputError, match="those of another agent"):
        challenge_champion(
            agent, episodes.assign(agent="b"), None, expert, environment, OPTIONS, 1, SERIAL
        )


def test_an_evaluation_is_confirmed_or_refused(
    agent: Agent, environment: EnvironmentOptions
) -> None:
    made = run_protocols(agent, environment, OPTIONS, SERIAL)
    same = confirm_evaluation(agent, *made, environment, OPTIONS)
    assert all(after is before for after, before in zip(same, made, strict=True))
    # Tables come back from a file as they were.
    episodes = pd.read_csv(io.StringIO(made[0].to_csv(index=False)))
    confirm_evaluation(agent, episodes, *made[1:], environment, OPTIONS)
    # Intervals are made again from the same runs.
    wider = OPTIONS.model_copy(update={"confidence_level": 0.99})
    confirm_evaluation(agent, *made, environment, wider)


def test_a_stale_evaluation_is_refused(agent: Agent, environment: EnvironmentOptions) -> None:
    episodes, native, tapes = run_protocols(agent, environment, OPTIONS, SERIAL)
    made = {
        "agent": agent,
        "episodes": episodes,
        "native": native,
        "tapes": tapes,
        "environment": environment,
        "options": OPTIONS,
    }
    keys, of_agent = np.repeat(np.array([1, 2], np.uint8), 9), {"agent": agent.fingerprint}
    ours, theirs = (
        {"native": Tape.record(keys, environment.engine, meta)} for meta in (of_agent, None)
    )
    stale: list[tuple[dict[str, Any], str]] = [
        (
            {"agent": replace(agent, weights={n: -array for n, array in agent.weights.items()})},
            "evaluation_episodes is stale: it is of another agent, ",
        ),
        ({"tapes": ours}, "tapes: native is stale: it matches no row of evaluation_episodes"),
        ({"tapes": theirs}, "tapes: native is stale: it is of another agent, None"),
        (
            {"episodes": episodes.iloc[:-1]},
            "evaluation_episodes is stale: it has 2 rows, but 3 seeds were run",
        ),
        (
            {"native": native.drop(columns="made_with")},
            "native_episode is stale: it was made with engine = unknown",
        ),
        (
            {"options": OPTIONS.model_copy(update={"sticky": 0.5})},
            "it was made with sticky = 0.01, which is now 0.5",
        ),
        (
            {"environment": environment.model_copy(update={"engine": "box2d"})},
            "it was made with engine = ",
        ),
    ]
    for changes, message in stale:
        with pytest.raises(BadInputError, match=message) as caught:
            confirm_evaluation(**{**made, **changes})
        assert caught.value.message.endswith("make it again: kedro run --pipeline=evaluation")


def test_stages_follow_from_one_another(agent: Agent) -> None:
    better = replace(agent, weights={name: -array for name, array in agent.weights.items()})
    better = better.with_card(incoming=agent.fingerprint)
    kept, made = {"promoted": False}, {"promoted": True}

    def confirm(second: Agent, third: Agent, *gates: dict[str, bool]) -> Agent:
        agents = {"dqnfd_agent": agent, "self_play_agent": second, "velocity_agent": third}
        names = ("dqnfd_gate", "self_play_gate", "velocity_gate")
        return confirm_stages(**agents, **dict(zip(names, (made, *gates), strict=True)))

    assert confirm(agent, agent, kept, kept) is agent
    assert confirm(better, better, made, kept) is better
    other = better.with_card(incoming="0" * 64)
    with pytest.raises(BadInputError, match=r"velocity_agent is stale: .* --namespaces=velocity$"):
        confirm(agent, other, kept, made)
    with pytest.raises(
        BadInputError, match=r"self_play_agent is stale: .* --namespaces=self_play,velocity$"
    ):
        confirm(other, other, made, kept)
    with pytest.raises(BadInputError, match="self_play_gate is stale: it does not refer to"):
        confirm(better, better, kept, kept)


def test_agent_of_another_environment_is_refused(
    agent: Agent, environment: EnvironmentOptions
) -> None:
    other = environment.model_copy(update={"observation": "absolute"})
    with pytest.raises(BadInputError, match="observation = 'egocentric'"):
        run_protocols(agent, other, OPTIONS, SERIAL)
