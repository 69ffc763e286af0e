"""The template of the stages and its nodes."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.qrdqn import DemonstrationQRDQN
from qwop_wr.agents.rollout import play_episodes
from qwop_wr.agents.stage import StageOptions
from qwop_wr.datasets import AgentDataset, Recording
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv
from qwop_wr.errors import BadInputError
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.pipelines.games import GamesOptions
from qwop_wr.pipelines.training.nodes import (
    StagePlace,
    initialise_agent,
    train_agent,
)
from qwop_wr.pipelines.training.pipeline import STAGES, create_pipeline, create_stage


def _record(agent: Agent, environment: EnvironmentOptions) -> Recording:
    env = QwopVectorEnv(4, environment, autoreset=False)
    episodes = play_episodes(agent.policy(), env, [1, 2, 3, 4], record=True)
    assert episodes.transitions is not None
    return Recording(episodes.transitions, environment.interface)


def _train(
    agent: Agent, options: StageOptions, environment: EnvironmentOptions, workspace: Path
) -> tuple[Agent, pd.DataFrame, dict[str, Any]]:
    """Run a stage that learns from what the agent itself has played."""
    return train_agent(
        incoming=agent,
        demonstrations=_record(agent, environment),
        stage=StagePlace(name="toy", workspace=str(workspace)),
        environment=environment,
        games=GamesOptions(n_games=4),
        options=options,
        evaluation=EvaluationOptions(max_ticks=40),
        seed=5,
    )


def test_initial_weights_follow_from_the_seed_alone(
    stage_options: StageOptions, environment: EnvironmentOptions
) -> None:
    torch.manual_seed(0)
    expected_next = torch.rand(1)
    torch.manual_seed(0)
    first = initialise_agent(stage_options, environment, seed=1)
    assert torch.rand(1) == expected_next, "the global generator was touched"
    again = initialise_agent(stage_options, environment, seed=1)
    other = initialise_agent(stage_options, environment, seed=2)
    assert first.fingerprint == again.fingerprint != other.fingerprint


def test_stage_hands_on_nothing_worse(
    agent: Agent, stage_options: StageOptions, environment: EnvironmentOptions, tmp_path: Path
) -> None:
    handed_on, history, gate = _train(agent, stage_options, environment, tmp_path)
    assert {"step", "metric", "value"} == set(history.columns)
    assert "evaluation/mean_distance" in set(history["metric"])
    if gate["promoted"]:
        assert handed_on.card["stage"] == "toy"
        for name in ("finish_rate", "mean_distance"):
            assert gate["outgoing"][name] >= gate["incoming"][name]
    else:
        assert handed_on.fingerprint == agent.fingerprint


def test_agent_with_another_network_is_refused_in_one_line(
    agent: Agent, stage_options: StageOptions, environment: EnvironmentOptions, tmp_path: Path
) -> None:
    other = stage_options.model_copy(update={"n_quantiles": 6})
    with pytest.raises(BadInputError, match="stage toy: .* n_quantiles = 4, .* asks for 6"):
        _train(agent, other, environment, tmp_path)


@pytest.mark.parametrize("n_steps", [21, 1000])
def test_returns_longer_than_an_episode_are_refused(
    n_steps: int,
    agent: Agent,
    stage_options: StageOptions,
    environment: EnvironmentOptions,
    tmp_path: Path,
) -> None:
    longer = stage_options.model_copy(update={"n_steps": n_steps})
    with pytest.raises(BadInputError, match=f"n_steps {n_steps} is longer than an episode of 40"):
        _train(agent, longer, environment, tmp_path)


def test_a_diverged_stage_leaves_batch_and_best_agent(
    agent: Agent,
    stage_options: StageOptions,
    environment: EnvironmentOptions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    learn = DemonstrationQRDQN.train

    def spoil(learner: DemonstrationQRDQN, gradient_steps: int, batch_size: int) -> None:
        with torch.no_grad():
            learner.network.output.bias.fill_(torch.nan)
        learn(learner, gradient_steps, batch_size)

    monkeypatch.setattr(DemonstrationQRDQN, "train", spoil)
    with pytest.raises(BadInputError, match="loss is not finite.*diverged_batch.npz.*last_good"):
        _train(agent, stage_options, environment, tmp_path)
    with np.load(tmp_path / "diverged_batch.npz") as batch:
        assert batch["observations"].shape == (16, environment.interface["n_observations"])
        assert np.isfinite(batch["returns_0"]).all()
    kept = AgentDataset(filepath=tmp_path / "last_good_agent.safetensors").load()
    assert kept is not None
    assert kept.fingerprint == agent.fingerprint


def test_stages_are_chained_and_differ_in_parameters_only() -> None:
    pipeline = create_pipeline()
    agents = ["initial_agent", *(f"{name}_agent" for name in STAGES)]
    for name, incoming, outgoing in zip(STAGES, agents, agents[1:], strict=False):
        (node,) = pipeline.filter(node_namespaces=[name]).nodes
        assert node.func is train_agent
        assert incoming in node.inputs
        assert outgoing in node.outputs
        own = {i for i in node.inputs if i.startswith("params:")}
        assert own - {"params:environment", "params:evaluation", "params:seed"} == {
            f"params:{name}.{key}" for key in ("stage", "games", "options")
        }


def test_names_between_stages_have_no_dots() -> None:
    outputs = create_stage("toy", "some_agent").outputs()
    assert outputs == {"toy_agent", "toy_history", "toy_gate"}


def test_recording_keeps_every_decision(agent: Agent, environment: EnvironmentOptions) -> None:
    steps = _record(agent, environment).transitions
    assert steps.n_episodes == 4
    assert np.isfinite(steps.obs).all()
