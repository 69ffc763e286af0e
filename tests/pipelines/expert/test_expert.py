"""The expert's training and its challenge to the reigning one."""

import pytest

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.ppo import PPOOptions
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.errors import BadInputError
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.pipelines.expert.nodes import select_expert, train_expert
from qwop_wr.pipelines.expert.options import GateOptions
from qwop_wr.pipelines.games import GamesOptions

EVALUATION = EvaluationOptions(max_ticks=40)
OPTIONS = PPOOptions.model_validate(
    {
        "budget": {"steps": 256},
        "net_arch": [8],
        "n_steps": 16,
        "batch_size": 64,
        "evaluation_every": 128,
        "evaluation_starts": 4,
        "progress_bar": False,
    }
)


def _train(reigning: Agent | None, environment: EnvironmentOptions) -> Agent:
    agent, history = train_expert(
        reigning, environment, GamesOptions(n_games=8), OPTIONS, EVALUATION, seed=1
    )
    assert "evaluation/mean_distance" in set(history["metric"])
    return agent


def test_training_from_nothing_gives_an_agent_for_the_environment(
    environment: EnvironmentOptions,
) -> None:
    agent = _train(None, environment)
    agent.check_interface(environment.interface)
    assert agent.spec.algorithm == "ppo"
    assert agent.card["stage"] == "expert"


def test_first_expert_needs_no_rival(agent: Agent, environment: EnvironmentOptions) -> None:
    chosen, report = select_expert(
        agent, None, environment, EVALUATION, GateOptions(starts=4), seed=1
    )
    assert chosen is agent
    assert report["incoming"] is None
    assert report["promoted"]


def test_reigning_expert_stays_unless_it_is_beaten(
    agent: Agent, environment: EnvironmentOptions
) -> None:
    candidate = _train(agent, environment)
    chosen, report = select_expert(
        candidate, agent, environment, EVALUATION, GateOptions(starts=4), seed=1
    )
    better = (
        report["outgoing"]["mean_distance"] >= report["incoming"]["mean_distance"]
        and report["outgoing"]["finish_rate"] >= report["incoming"]["finish_rate"]
    )
    assert chosen.fingerprint == (candidate if report["promoted"] else agent).fingerprint
    assert better or not report["promoted"]


def test_expert_of_another_environment_is_not_overwritten(
    agent: Agent, environment: EnvironmentOptions
) -> None:
    other = environment.model_copy(update={"actions": "full"})
    with pytest.raises(BadInputError, match="reigning_expert_agent: .* actions = 'minimal'"):
        _train(agent, other)
