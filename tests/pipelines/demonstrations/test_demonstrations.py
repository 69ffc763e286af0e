"""Collecting demonstrations: from the expert, from searches and from tapes."""

import dataclasses
import logging
from typing import Any

import numpy as np
import pytest

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.rollout import play_episodes
from qwop_wr.datasets import Recording
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.errors import BadInputError
from qwop_wr.pipelines.demonstrations import nodes
from qwop_wr.pipelines.demonstrations.nodes import (
    NOTHING,
    Demonstrations,
    ExpertRunsOptions,
    FileRunsOptions,
    SearchRunsOptions,
    demonstrate_from_files,
    demonstrate_from_recordings,
    demonstrate_with_expert,
    demonstrate_with_search,
    merge_demonstrations,
)
from qwop_wr.pipelines.games import GamesOptions
from qwop_wr.search import SearchOptions
from qwop_wr.search.tapes import decisions_of
from qwop_wr.simulator.keys import O
from qwop_wr.simulator.tape import Tape
from tests.search.agents import make_agent

GAMES = GamesOptions(n_games=16, idle_ticks=5)
FILES = FileRunsOptions(folder=True, record=True)
ALL_KEYS = EnvironmentOptions(ticks_per_action=2, actions="full", platform="node")


def _options(**changes: Any) -> ExpertRunsOptions:
    fields = {"episodes": 6, "first_seed": 2, "deterministic": True, "finished_only": False}
    return ExpertRunsOptions.model_validate({**fields, **changes})


def test_facts_count_what_was_recorded(agent: Agent, environment: EnvironmentOptions) -> None:
    demonstrations = demonstrate_with_expert(agent, environment, GAMES, _options())
    assert demonstrations.transitions is not None
    facts = demonstrations.facts
    assert facts["played"] == facts["episodes"] == demonstrations.transitions.n_episodes == 6
    assert facts["transitions"] == len(demonstrations.transitions)
    assert facts["agent"] == agent.fingerprint
    assert facts["successes"] == facts["not_replayed"] == 0
    assert facts["best_time"] is None


def test_same_seeds_give_the_same_recording(agent: Agent, environment: EnvironmentOptions) -> None:
    first, again = (
        demonstrate_with_expert(agent, environment, GAMES, _options()).transitions for _ in range(2)
    )
    assert first is not None
    assert again is not None
    assert first.obs.tobytes() == again.obs.tobytes()


def test_episodes_that_do_not_replay_are_left_out(
    agent: Agent, environment: EnvironmentOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = play_episodes

    def with_one_false_claim(*arguments: Any, **keywords: Any) -> Any:
        episodes = play(*arguments, **keywords)
        ticks = episodes.ticks.copy()
        ticks[1] += 1
        return dataclasses.replace(episodes, ticks=ticks)

    monkeypatch.setattr(nodes, "play_episodes", with_one_false_claim)
    demonstrations = demonstrate_with_expert(agent, environment, GAMES, _options())
    assert demonstrations.facts["not_replayed"] == 1
    assert demonstrations.facts["episodes"] == 5


def test_expert_of_another_environment_is_named(
    agent: Agent, environment: EnvironmentOptions
) -> None:
    other = environment.model_copy(update={"ticks_per_action": 4})
    with pytest.raises(BadInputError, match="expert_agent: .* ticks_per_action = 2"):
        demonstrate_with_expert(agent, other, GAMES, _options())


def test_searches_that_do_not_finish_demonstrate_nothing(environment: EnvironmentOptions) -> None:
    options = SearchRunsOptions(runs=2, search=SearchOptions(width=4, max_ticks=20))
    demonstrations = demonstrate_with_search({}, make_agent(1), environment, GAMES, options, seed=1)
    assert demonstrations.transitions is None
    assert demonstrations.facts == {"episodes": 0, "played": 2}


def test_a_search_guided_by_an_agent_of_another_environment(
    environment: EnvironmentOptions,
) -> None:
    other = environment.model_copy(update={"ticks_per_action": 4})
    options = SearchRunsOptions(runs=1)
    with pytest.raises(BadInputError, match="guide_agents: .* ticks_per_action = 2"):
        demonstrate_with_search({"a": make_agent(1)}, make_agent(1), other, GAMES, options, seed=1)


def test_nothing_is_searched_for_where_clones_are_slow(environment: EnvironmentOptions) -> None:
    slow = environment.model_copy(update={"engine": "box2d"})
    options = SearchRunsOptions(runs=1000)
    found = demonstrate_with_search({"a": make_agent(1)}, make_agent(1), slow, GAMES, options, 1)
    assert found.transitions is None


def test_tapes_are_replayed_decision_by_decision(finish: Tape) -> None:
    games = GamesOptions(n_games=1, tick_cost=0.03)
    demonstrations = demonstrate_from_files({"run": finish}, None, ALL_KEYS, games, FILES)
    transitions = demonstrations.transitions
    assert transitions is not None
    expected = decisions_of(finish, ALL_KEYS).actions
    np.testing.assert_array_equal(transitions.actions, expected)
    assert demonstrations.facts["best_time"] == finish.score_time
    # Metres less ticks: what the run earns follows from where and when it ended.
    ticks = finish.ticks - decisions_of(finish, ALL_KEYS).idle_ticks
    assert transitions.rewards.sum() == pytest.approx(100.0 - 0.03 * ticks, abs=1.0)


def test_tapes_that_cannot_be_used_are_told_and_left_out(
    finish: Tape, caplog: pytest.LogCaptureFixture
) -> None:
    tapes = {
        "good": finish,
        "fallen": Tape.record(np.full(60, 5, dtype=np.uint8), platform="node"),
        "false": dataclasses.replace(finish, distance=99.0),
        "three_ticks": Tape.record(
            np.repeat(np.array([5, 10, 5, 10], dtype=np.uint8), [3, 3, 4, 4]), platform="node"
        ),
    }
    with caplog.at_level(logging.WARNING):
        demonstrations = demonstrate_from_files(tapes, finish, ALL_KEYS, GAMES, FILES)
    assert demonstrations.facts["offered"] == 5
    assert demonstrations.facts["episodes"] == 2
    told = caplog.text
    for name, reason in (
        ("fallen", "does not finish"),
        ("false", "distance is 99.0"),
        ("three_ticks", "ticks_per_action"),
    ):
        assert f"The tape {name} is left out" in told
        assert reason in told


def test_sources_can_be_left_out(
    finish: Tape, agent: Agent, environment: EnvironmentOptions
) -> None:
    none = FileRunsOptions(folder=False, record=False)
    files = demonstrate_from_files({"run": finish}, finish, environment, GAMES, none)
    assert files.transitions is None
    expert = demonstrate_with_expert(agent, environment, GAMES, _options(episodes=0))
    search = demonstrate_with_search(
        {}, agent, environment, GAMES, SearchRunsOptions(runs=0), seed=1
    )
    assert expert is search is NOTHING


def test_all_sources_become_one_recording(finish: Tape) -> None:
    one = demonstrate_from_files({"run": finish}, None, ALL_KEYS, GAMES, FILES)
    two = demonstrate_from_files({"run": finish}, finish, ALL_KEYS, GAMES, FILES)
    recording, summary = merge_demonstrations(one, NOTHING, two, NOTHING, ALL_KEYS)
    assert recording.interface == ALL_KEYS.interface
    assert recording.transitions.n_episodes == summary["episodes"] == 3
    assert len(recording.transitions) == summary["transitions"]
    assert summary["transitions"] == 3 * summary["expert_transitions"]
    assert summary["files_median_time"] == finish.score_time


def test_no_run_at_all_is_told_with_what_to_do(
    agent: Agent, environment: EnvironmentOptions
) -> None:
    expert = demonstrate_with_expert(agent, environment, GAMES, _options(finished_only=True))
    assert expert.facts["episodes"] == 0
    with pytest.raises(BadInputError, match=r"demonstrations\.expert\.finished_only"):
        merge_demonstrations(expert, NOTHING, Demonstrations(None, {}), NOTHING, environment)


def test_tapes_that_do_not_finish_are_taken_on_request() -> None:
    fall = Tape.record(np.full(200, O, dtype=np.uint8), platform="node")
    left_out = demonstrate_from_files({"fall": fall}, None, ALL_KEYS, GAMES, FILES)
    assert left_out.transitions is None
    everything = FILES.model_copy(update={"finished_only": False})
    demonstrations = demonstrate_from_files({"fall": fall}, None, ALL_KEYS, GAMES, everything)
    assert demonstrations.facts["episodes"] == 1
    assert demonstrations.facts["successes"] == 0
    assert demonstrations.facts["best_time"] is None
    assert demonstrations.transitions is not None
    assert demonstrations.transitions.dones.tolist()[-1]


def test_recordings_of_this_environment_are_taken(
    agent: Agent, environment: EnvironmentOptions, caplog: pytest.LogCaptureFixture
) -> None:
    steps = demonstrate_with_expert(agent, environment, GAMES, _options()).transitions
    assert steps is not None
    fitting = Recording(steps, environment.interface)
    other = Recording(steps, {**environment.interface, "ticks_per_action": 3})
    recordings = {"a": lambda: fitting, "b": lambda: other, "c": lambda: fitting}
    with caplog.at_level(logging.WARNING):
        taken = demonstrate_from_recordings(recordings, environment, FILES)
    assert taken.facts["episodes"] == 2 * steps.n_episodes
    assert taken.facts["offered"] == 3
    assert "The recording b is left out" in caplog.text
    without = FILES.model_copy(update={"recordings": False})
    assert demonstrate_from_recordings(recordings, environment, without).transitions is None
