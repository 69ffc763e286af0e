"""The template of the stages and its nodes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from kedro.config import OmegaConfigLoader
from kedro.io.core import DatasetError
from pydantic import ValidationError

from qwop_wr import settings
from qwop_wr.agents.agent import Agent
from qwop_wr.agents.coaching import CoachingOptions
from qwop_wr.agents.learners.qrdqn import DemonstrationQRDQN
from qwop_wr.agents.rollout import play_episodes
from qwop_wr.agents.schedules import Schedule
from qwop_wr.agents.spec import AgentSpec
from qwop_wr.agents.stage import StageOptions, stage_result
from qwop_wr.agents.state import TrainingState
from qwop_wr.datasets import Recording, StoredRecording
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv
from qwop_wr.errors import BadInputError
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.pipelines.games import GamesOptions, platform_of
from qwop_wr.pipelines.training.nodes import (
    AgentOptions,
    Stage,
    choose_judge,
    initialise_agent,
    newest_guide,
    take_agent,
    take_judge,
    train_agent,
)
from qwop_wr.pipelines.training.pipeline import STAGES, create_pipeline, create_stage
from tests.agents.test_training import without_times
from tests.pipelines.conftest import SMALL


def _record(agent: Agent, environment: EnvironmentOptions) -> Recording:
    env = QwopVectorEnv(4, environment, autoreset=False)
    episodes = play_episodes(agent.policy(), env, [1, 2, 3, 4], record=True)
    assert episodes.transitions is not None
    return Recording(episodes.transitions, environment.interface)


def _stage(options: StageOptions) -> Stage:
    games = GamesOptions(idle_ticks=5)
    if options.plays:
        games = GamesOptions(n_games=4, idle_ticks=5)
    return Stage(name="toy", games=games, options=options)


def _coached_alone(rounds: int) -> StageOptions:
    coaching: dict[str, Any] = {"budget": {"steps": 0}, "coaching": {"rounds": rounds}}
    return StageOptions.model_validate({**coaching, "evaluation_starts": 4, "gate_starts": 4})


def _states(
    agent: Agent,
    options: StageOptions,
    environment: EnvironmentOptions,
    interrupted: TrainingState | None = None,
    seed: int = 5,
    shared: AgentOptions = SMALL,
    judge: Agent | None = None,
    demonstrations: Recording | None = None,
) -> Iterator[TrainingState]:
    """Run a stage that learns from what the agent itself has played."""
    return train_agent(
        incoming=agent,
        interrupted=interrupted,
        demonstrations=demonstrations or _record(agent, environment),
        judge=judge or agent,
        environment=environment,
        agent=shared,
        stage=_stage(options),
        evaluation=EvaluationOptions(max_ticks=40),
        seed=seed,
        resume=interrupted is not None,
    )


def _train(
    agent: Agent,
    options: StageOptions,
    environment: EnvironmentOptions,
    shared: AgentOptions = SMALL,
) -> tuple[Agent, pd.DataFrame, dict[str, Any]]:
    *_, end = _states(agent, options, environment, shared=shared)
    return take_agent(end, _stage(options))


def test_initial_weights_follow_from_the_seed_alone(
    stage_options: StageOptions, environment: EnvironmentOptions
) -> None:
    torch.manual_seed(0)
    expected_next = torch.rand(1)
    torch.manual_seed(0)
    first = initialise_agent(SMALL, _stage(stage_options), environment, seed=1)
    assert torch.rand(1) == expected_next, "the global generator was touched"
    again = initialise_agent(SMALL, _stage(stage_options), environment, seed=1)
    other = initialise_agent(SMALL, _stage(stage_options), environment, seed=2)
    assert first.fingerprint == again.fingerprint != other.fingerprint


def test_stage_hands_on_nothing_worse(
    agent: Agent, stage_options: StageOptions, environment: EnvironmentOptions
) -> None:
    handed_on, history, gate = _train(agent, stage_options, environment)
    assert {"step", "metric", "value"} == set(history.columns)
    assert "evaluation/mean_distance" in set(history["metric"])
    if gate["promoted"]:
        assert (handed_on.card["stage"], handed_on.card["platform"]) == ("toy", "node")
        for name in ("finish_rate", "mean_distance"):
            assert gate["outgoing"][name] >= gate["incoming"][name]
    else:
        assert handed_on.fingerprint == agent.fingerprint


def test_agent_with_another_network_is_refused_in_one_line(
    agent: Agent, stage_options: StageOptions, environment: EnvironmentOptions
) -> None:
    other = SMALL.model_copy(update={"n_quantiles": 6})
    with pytest.raises(BadInputError, match="stage toy: .* n_quantiles = 4, .* asks for 6"):
        _train(agent, stage_options, environment, other)


def test_nobody_coaches_where_clones_are_slow(
    agent: Agent, stage_options: StageOptions, environment: EnvironmentOptions
) -> None:
    coached = stage_options.model_copy(update={"coaching": CoachingOptions(rounds=1)})
    box2d = environment.model_copy(update={"engine": "box2d"})
    *_, end = _states(agent, coached, box2d)
    assert "coaching/loss" not in set(stage_result(end).history["metric"])
    assert platform_of(end) is None


@pytest.mark.parametrize("plays", [False, True])
def test_a_coach_rates_by_the_judge_that_is_handed_on(
    agent: Agent, environment: EnvironmentOptions, stage_options: StageOptions, plays: bool
) -> None:
    options = _coached_alone(rounds=0)
    if plays:
        options = stage_options.model_copy(update={"coaching": CoachingOptions(rounds=0)})
    judge = initialise_agent(SMALL, _stage(options), environment, seed=8)
    first, *_, end = _states(agent, options, environment, judge=judge)
    assert end.facts.get("judging agent") == (None if plays else judge.fingerprint)
    assert take_judge(end, _stage(options)).fingerprint == judge.fingerprint
    with pytest.raises(BadInputError, match="toy_training: the training has not ended"):
        take_judge(first, _stage(options))


def test_a_judge_of_another_environment_is_refused_where_a_coach_would_rate_by_it(
    agent: Agent, environment: EnvironmentOptions, stage_options: StageOptions
) -> None:
    slower = environment.model_copy(update={"ticks_per_action": 3})
    judge = initialise_agent(SMALL, _stage(stage_options), slower, seed=8)
    with pytest.raises(BadInputError, match="^the judge handed to toy: .* ticks_per_action = 3"):
        next(_states(agent, _coached_alone(rounds=0), environment, judge=judge))
    next(_states(agent, stage_options, environment, judge=judge))


def test_demonstrations_are_read_only_to_learn_from_them(
    agent: Agent, environment: EnvironmentOptions, stage_options: StageOptions
) -> None:
    def read() -> Recording:
        raise DatasetError("read")

    without, unread = _coached_alone(rounds=0), StoredRecording(read)
    *_, end = _states(agent, without, environment, demonstrations=unread)
    assert end.finished
    sharing = stage_options.model_copy(update={"demonstration_share": Schedule.constant(0.5)})
    with pytest.raises(DatasetError, match="^read$"):
        next(_states(agent, sharing, environment, demonstrations=unread))


def test_the_newest_guide_judges_first_or_else_the_first_stages_agent(
    agent: Agent, environment: EnvironmentOptions, stage_options: StageOptions
) -> None:
    newest, older = (
        initialise_agent(SMALL, _stage(stage_options), environment, seed) for seed in (8, 9)
    )
    guides = {"guide_2": older, "guide_1": newest}
    assert choose_judge(guides, agent) is newest
    assert choose_judge({"guide_2": older}, agent) is older
    assert choose_judge({}, agent) is agent


def test_a_guide_of_another_environment_is_named(
    agent: Agent, environment: EnvironmentOptions
) -> None:
    other = environment.model_copy(update={"ticks_per_action": 3})
    assert newest_guide({}, other) is None
    with pytest.raises(BadInputError, match="^guide_agents: .* ticks_per_action = 2"):
        newest_guide({"guide_1": agent}, other)


@pytest.mark.parametrize("n_steps", [21, 1000])
def test_returns_longer_than_an_episode_are_refused(
    n_steps: int,
    agent: Agent,
    stage_options: StageOptions,
    environment: EnvironmentOptions,
) -> None:
    longer = SMALL.model_copy(update={"n_steps": n_steps})
    with pytest.raises(BadInputError, match=f"n_steps {n_steps} is longer than an episode of 40"):
        _train(agent, stage_options, environment, longer)


def test_a_diverged_stage_leaves_batch_and_best_agent(
    agent: Agent,
    stage_options: StageOptions,
    environment: EnvironmentOptions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    learn = DemonstrationQRDQN.train

    def spoil(learner: DemonstrationQRDQN, gradient_steps: int, batch_size: int) -> None:
        with torch.no_grad():
            learner.network.output.bias.fill_(torch.nan)
        learn(learner, gradient_steps, batch_size)

    monkeypatch.setattr(DemonstrationQRDQN, "train", spoil)
    states = _states(agent, stage_options, environment)
    remains = next(states)
    with pytest.raises(BadInputError, match="toy: .*loss is not finite.* dataset toy_training"):
        next(states)
    batch = remains.part("batch")
    assert batch["observations"].shape == (16, environment.interface["n_observations"])
    assert np.isfinite(batch["returns_0"]).all()
    best: Any = remains.facts["best"]
    kept = Agent(AgentSpec.model_validate(best["spec"]), remains.part("best"), best["card"])
    assert kept.fingerprint == agent.fingerprint
    with pytest.raises(BadInputError, match="interrupted_toy_training: .*diverged.*resume=false"):
        next(_states(agent, stage_options, environment, interrupted=remains))


def test_an_interrupted_stage_goes_on_to_the_same_end(
    agent: Agent, stage_options: StageOptions, environment: EnvironmentOptions
) -> None:
    often = stage_options.model_copy(update={"save_every": 100})
    *between, end = _states(agent, often, environment)
    assert [state.facts["steps"] for state in between] == [100, 200, 300, 400]
    handed_on, history, gate = take_agent(end, _stage(stage_options))
    for state in (between[0], between[2], between[3], end):
        *_, again = _states(agent, stage_options, environment, interrupted=state)
        other, other_history, other_gate = take_agent(again, _stage(stage_options))
        assert (other.fingerprint, other_gate) == (handed_on.fingerprint, gate)
        pd.testing.assert_frame_equal(
            without_times(history), without_times(other_history), check_exact=True
        )


def test_a_stage_goes_on_only_with_its_own_state(
    agent: Agent, stage_options: StageOptions, environment: EnvironmentOptions
) -> None:
    often = stage_options.model_copy(update={"save_every": 100})
    state = next(_states(agent, often, environment))
    with pytest.raises(BadInputError, match="^interrupted_toy_training: .* with other seed"):
        next(_states(agent, often, environment, interrupted=state, seed=6))
    richer = environment.model_copy(update={"metre_reward": 2.0})
    with pytest.raises(BadInputError, match="with other games and evaluated games;"):
        next(_states(agent, often, richer, interrupted=state))
    with pytest.raises(BadInputError, match="toy_training: the training has not ended"):
        take_agent(state, _stage(stage_options))


def test_stages_are_chained_and_differ_in_parameters_only() -> None:
    pipeline = create_pipeline()
    agents = ["initial_agent", *(f"{name}_agent" for name in STAGES)]
    judge = "initial_agent"
    for name, incoming, outgoing in zip(STAGES, agents, agents[1:], strict=False):
        nodes = pipeline.filter(node_namespaces=[name]).nodes
        train, take = (
            next(node for node in nodes if node.func is function)
            for function in (train_agent, take_agent)
        )
        assert {incoming, f"interrupted_{name}_training"} <= set(train.inputs)
        assert judge in train.inputs
        judge = f"{name}_judge"
        assert train.outputs == [f"{name}_training"]
        assert outgoing in take.outputs
        shared = {
            f"params:{key}" for key in ("agent", "environment", "evaluation", "seed", "resume")
        }
        own = {i for i in [*train.inputs, *take.inputs] if i.startswith("params:")} - shared
        assert own == {f"params:{name}"}


def test_names_between_stages_have_no_dots() -> None:
    outputs = create_stage("toy", "some_agent", "another_agent").outputs()
    assert outputs == {"toy_agent", "toy_history", "toy_gate"}


def test_recording_keeps_every_decision(agent: Agent, environment: EnvironmentOptions) -> None:
    steps = _record(agent, environment).transitions
    assert steps.n_episodes == 4
    assert np.isfinite(steps.obs).all()


def test_what_all_stages_share_is_set_in_one_place(stage_options: StageOptions) -> None:
    alone = {"name": "toy", "games": {"n_games": 4}}
    budget = {"budget": {"steps": 5}}
    with pytest.raises(ValidationError, match="n_quantiles is shared.*set agent.n_quantiles"):
        Stage.model_validate({**alone, "options": {**budget, "n_quantiles": 4}})
    applied = AgentOptions(net_arch=(8,)).applied_to(stage_options)
    own = stage_options.model_dump(exclude=set(AgentOptions.model_fields))
    assert applied.model_dump(exclude=set(AgentOptions.model_fields)) == own
    assert (applied.net_arch, applied.n_quantiles) == ((8,), 16)


@pytest.mark.parametrize(
    ("block", "key", "value"),
    [
        ("options", "evaluation_every", 100),
        ("options", "stop_at", 5),
        ("options", "learning_rate", {"start": 1e-4, "end": 1e-5}),
        ("games", "n_games", 64),
        ("games", "velocity", {"weight": 2.0}),
    ],
)
def test_a_stage_without_play_refuses_what_it_would_not_read(
    block: str, key: str, value: object
) -> None:
    alone: dict[str, Any] = {
        "name": "toy",
        "games": {"idle_ticks": 5},
        "options": {"budget": {"steps": 0}, "coaching": {"rounds": 1}, "gate_starts": 8},
    }
    Stage.model_validate(alone)
    alone[block][key] = value
    with pytest.raises(ValidationError, match=rf"{block}\.{key} does nothing in a stage with budg"):
        Stage.model_validate(alone)
    alone["options"]["budget"] = {"steps": 10}
    Stage.model_validate(alone)


def test_the_network_of_the_command_line_reaches_all_stages() -> None:
    arguments: dict[str, Any] = {**settings.CONFIG_LOADER_ARGS}
    conf = Path(__file__).parents[3] / "conf"
    for env in ("base", "smoke", "full"):
        change = {"agent": {"net_arch": [64]}}
        loader = OmegaConfigLoader(str(conf), env=env, runtime_params=change, **arguments)
        parameters = loader["parameters"]
        shared = AgentOptions.model_validate(parameters["agent"])
        environment = EnvironmentOptions.model_validate(parameters["environment"])
        stages = [Stage.model_validate(parameters[name]) for name in STAGES]
        specs = [
            shared.applied_to(stage.options).agent_spec(environment.interface, "exact")
            for stage in stages
        ]
        specs.append(initialise_agent(shared, stages[0], environment, seed=1).spec)
        assert {spec.net_arch for spec in specs} == {(64,)}
        assert len({json.dumps(spec.identity()) for spec in specs}) == 1
