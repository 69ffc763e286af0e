"""Guides from the expert: what is handed on after every round."""

import signal
from pathlib import Path

import numpy as np
import pytest

from qwop_wr.agents.agent import Agent
from qwop_wr.datasets import AgentsDataset
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.errors import BadInputError
from qwop_wr.pipelines.record_hunt import create_guides
from qwop_wr.pipelines.record_hunt.nodes import refine_guides
from qwop_wr.search.options import RoundBudget
from qwop_wr.search.refinement import RefinementOptions, deciding_every
from qwop_wr.stopping import stop_signals
from tests.pipelines.conftest import run_in_memory
from tests.search.agents import make_agent
from tests.search.test_refinement import OPTIONS as TOY


@pytest.fixture
def options() -> RefinementOptions:
    return TOY.model_copy(update={"budget": RoundBudget(rounds=1)})


def test_the_first_round_begins_with_the_expert(
    environment: EnvironmentOptions, options: RefinementOptions
) -> None:
    expert = make_agent(1)
    rounds = list(refine_guides(expert, {}, environment, options, seed=0))
    assert [len(summary["rounds"]) for _, summary in rounds] == [1, 2]
    assert rounds[0][0]["guide_1"].fingerprint == expert.fingerprint
    final, summary = rounds[-1]
    assert list(final) == [f"guide_{i}" for i in range(1, len(final) + 1)]
    assert summary["best_mean_time"] <= summary["rounds"][0]["mean_time"]


def test_a_stop_waits_until_the_round_is_handed_on(
    environment: EnvironmentOptions, options: RefinementOptions
) -> None:
    rounds = refine_guides(make_agent(1), {}, environment, options, seed=0)
    with stop_signals():
        guides, summary = next(rounds)
        signal.raise_signal(signal.SIGINT)
        assert guides, "whoever saves the round is not interrupted"
        with pytest.raises(KeyboardInterrupt):
            next(rounds)
    assert len(summary["rounds"]) == 1


def test_the_newest_guide_is_refined_on(
    environment: EnvironmentOptions, options: RefinementOptions
) -> None:
    guides = {"guide_2": make_agent(2), "guide_1": make_agent(3)}
    first, _ = next(refine_guides(make_agent(1), guides, environment, options, seed=0))
    assert first["guide_1"].fingerprint == guides["guide_1"].fingerprint
    assert first["guide_2"].fingerprint == guides["guide_2"].fingerprint


def test_rounds_are_saved(
    environment: EnvironmentOptions, options: RefinementOptions, tmp_path: Path
) -> None:
    inputs = {
        "expert_agent": make_agent(1),
        "reigning_guide_agents": {},
        "params:environment": environment,
        "params:guides": options,
        "params:seed": 0,
    }
    guides = AgentsDataset(filepath=tmp_path / "guides")
    run_in_memory(create_guides(), inputs, guide_agents=guides)
    assert np.isfinite(next(iter(guides.load()["guide_1"].weights.values()))).all()


def test_an_agent_for_another_environment(options: RefinementOptions) -> None:
    other = EnvironmentOptions(ticks_per_action=2, actions="full")
    with pytest.raises(BadInputError, match="guide_agents: .* actions = 'minimal'"):
        next(refine_guides(make_agent(1), {}, other, options, seed=0))


@pytest.mark.parametrize("reigning", [{}, {"guide_2": make_agent(2), "guide_1": make_agent(3)}])
def test_agents_for_another_tick_length_go_on_with_the_environments(
    options: RefinementOptions, reigning: dict[str, Agent]
) -> None:
    other = EnvironmentOptions(ticks_per_action=4)
    expert = make_agent(1)
    first, _ = next(refine_guides(expert, reigning, other, options, seed=0))
    expected = reigning or {"guide_1": expert}
    assert {name: guide.fingerprint for name, guide in first.items()} == {
        name: deciding_every(agent, 4).fingerprint for name, agent in expected.items()
    }


def test_an_expert_without_critic(
    agent: Agent, environment: EnvironmentOptions, options: RefinementOptions
) -> None:
    assert agent.spec.algorithm == "qrdqn"
    with pytest.raises(BadInputError, match="guide_agents: only a ppo agent"):
        list(refine_guides(agent, {}, environment, options, seed=0))
