"""Collecting demonstrations."""

import pytest

from qwop_wr.agents.agent import Agent
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.errors import BadInputError
from qwop_wr.pipelines.demonstrations.nodes import collect_demonstrations
from qwop_wr.pipelines.demonstrations.options import DemonstrationOptions
from qwop_wr.pipelines.games import GamesOptions

GAMES = GamesOptions(n_games=16, idle_ticks=5)


def _options(*, finished_only: bool) -> DemonstrationOptions:
    return DemonstrationOptions(
        episodes=6, first_seed=2, deterministic=True, finished_only=finished_only
    )


def test_summary_counts_what_was_recorded(agent: Agent, environment: EnvironmentOptions) -> None:
    recording, summary = collect_demonstrations(
        agent, environment, GAMES, _options(finished_only=False)
    )
    assert summary["episodes"] == recording.transitions.n_episodes == 6
    assert summary["transitions"] == len(recording.transitions)
    assert summary["expert"] == agent.fingerprint
    assert summary["successes"] == 0
    assert summary["best_time"] is None
    assert recording.interface == environment.interface


def test_same_seeds_give_the_same_recording(agent: Agent, environment: EnvironmentOptions) -> None:
    options = _options(finished_only=False)
    first, _ = collect_demonstrations(agent, environment, GAMES, options)
    again, _ = collect_demonstrations(agent, environment, GAMES, options)
    assert first.transitions.obs.tobytes() == again.transitions.obs.tobytes()


def test_no_finish_is_told_with_what_to_do(agent: Agent, environment: EnvironmentOptions) -> None:
    with pytest.raises(BadInputError, match="demonstrations.options.finished_only"):
        collect_demonstrations(agent, environment, GAMES, _options(finished_only=True))


def test_expert_of_another_environment_is_named(
    agent: Agent, environment: EnvironmentOptions
) -> None:
    other = environment.model_copy(update={"ticks_per_action": 4})
    with pytest.raises(BadInputError, match="expert_agent: .* ticks_per_action = 2"):
        collect_demonstrations(agent, other, GAMES, _options(finished_only=False))
