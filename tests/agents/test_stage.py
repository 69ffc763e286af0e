"""A stage: what it learns, hands on and answers to a collapse."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from pydantic import ValidationError

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.checkpoints import Checkpoints, RankedAgent
from qwop_wr.agents.gate import AgentScore, HealthOptions, check_health, score_agent
from qwop_wr.agents.learners.qrdqn import DemonstrationQRDQN
from qwop_wr.agents.metrics import MetricHistory
from qwop_wr.agents.replay.batches import Batch
from qwop_wr.agents.stage import (
    CollapseGuard,
    StageGames,
    StageInputs,
    StageOptions,
    StageResult,
    train_stage,
)
from qwop_wr.agents.state import TrainingDivergedError
from qwop_wr.agents.transitions import Transitions
from qwop_wr.metric_sink import MetricSink, silent_sink
from tests.agents.conftest import make_agent, make_walker, walk
from tests.agents.corridor import INTERFACE, CorridorVecEnv, CorridorVectorEnv
from tests.agents.learners.test_qrdqn import make_learner, make_options


def train(
    options: StageOptions,
    incoming: Agent | None = None,
    demonstrations: Transitions | None = None,
    seed: int = 1,
    sink: MetricSink = silent_sink,
) -> StageResult:
    return train_stage(
        options,
        StageGames(CorridorVecEnv(4), [CorridorVectorEnv(8, autoreset=False)]),
        options.agent_spec(INTERFACE, "toy"),
        StageInputs(incoming, demonstrations, seed),
        sink,
    )


LEARNING = {
    "budget": {"steps": 8000},
    "replay_ratio": 8.0,
    "learning_rate": 3e-3,
    "exploration": {"start": 0.5, "end": 0.05},
    "evaluation_every": 1000,
}


def test_a_fresh_network_learns_to_walk_by_playing() -> None:
    result = train(make_options(**LEARNING))
    assert result.gate.incoming is None
    assert result.gate.promoted
    assert result.gate.outgoing.finish_rate == 1.0
    evaluations = result.history[result.history["metric"] == "evaluation/mean_distance"]
    assert evaluations["step"].tolist() == list(range(0, 8001, 1000))
    assert evaluations["value"].iloc[0] < 10.0 < evaluations["value"].max()
    assert {"train/td_loss", "rollout/finish_rate", "time/fps"} <= set(result.history["metric"])


def test_demonstrations_teach_before_the_first_step() -> None:
    options = make_options(demonstration_share=0.5, pretraining_steps=300)
    result = train(options, demonstrations=walk(5))
    history = result.history
    first = history[(history["metric"] == "evaluation/finish_rate") & (history["step"] == 0)]
    assert first["value"].tolist() == [0.0, 1.0], "before and after the pre-training"
    agreement = history.loc[history["metric"] == "pretraining/agreement", "value"]
    assert len(agreement) == 50
    assert agreement.iloc[-1] == 1.0
    assert result.agent.card["reward_scale"] == options.reward_scale
    assert result.agent.card["options"] == options.model_dump(mode="json")
    assert result.agent.card["incoming"] is None


def test_one_seed_gives_identical_weights_and_another_does_not() -> None:
    options = make_options(budget={"steps": 1000}, demonstration_share=0.25, pretraining_steps=20)
    results = [train(options, demonstrations=walk(3), seed=seed) for seed in (4, 4, 5)]
    assert results[0].agent.fingerprint == results[1].agent.fingerprint
    assert results[0].agent.fingerprint != results[2].agent.fingerprint
    numbers = [
        result.history[~result.history["metric"].str.startswith("time/")] for result in results
    ]
    assert numbers[0].equals(numbers[1])


def test_a_stage_continues_from_the_incoming_agent_and_improves_on_it() -> None:
    options = make_options(**LEARNING)
    weak = make_agent(options.agent_spec(INTERFACE, "toy"), seed=2)
    result = train(options, incoming=weak)
    assert result.gate.promoted
    assert result.gate.incoming is not None
    assert result.gate.outgoing.improves_on(result.gate.incoming)
    assert result.agent.fingerprint != weak.fingerprint
    assert result.agent.card["incoming"] == weak.fingerprint


@pytest.mark.parametrize("learning_rate", [1e-3, 1.0])
def test_a_stage_that_spoils_its_agent_hands_on_the_incoming_one(learning_rate: float) -> None:
    options = make_options(learning_rate=learning_rate, exploration=1.0)
    walker = make_walker(options.agent_spec(INTERFACE, "toy"))
    result = train(options, incoming=walker)
    assert result.agent.fingerprint == walker.fingerprint
    assert result.agent.card == walker.card
    assert not result.gate.promoted
    assert result.gate.incoming is not None
    assert result.gate.incoming.finish_rate == 1.0


def test_an_agent_from_another_engine_may_go_on() -> None:
    options = make_options(budget={"steps": 400})
    weak = make_agent(options.agent_spec(INTERFACE, "elsewhere"))
    result = train(options, incoming=weak)
    assert result.agent.spec.engine in {"toy", "elsewhere"}


@pytest.mark.parametrize(
    ("changes", "name"),
    [({"net_arch": (8,)}, "net_arch"), ({"n_quantiles": 7}, "n_quantiles")],
)
def test_an_incoming_agent_of_another_shape_is_refused(
    changes: dict[str, object], name: str
) -> None:
    other = make_agent(make_options(**changes).agent_spec(INTERFACE, "toy"))
    with pytest.raises(ValueError, match=f"incoming agent has {name} = .*stage asks for"):
        train(make_options(), incoming=other)


def test_demonstrations_that_do_not_fit_are_refused() -> None:
    options = make_options(demonstration_share=0.5)
    walks = walk(2)
    with pytest.raises(ValueError, match="there are no demonstrations"):
        train(options)
    wide = np.zeros((len(walks), 60), dtype=np.float32)
    with pytest.raises(ValueError, match="60 numbers per observation, the environment gives 4"):
        train(options, demonstrations=replace(walks, obs=wide, next_obs=wide))
    other_actions = np.full(len(walks), 8)
    with pytest.raises(ValueError, match="hold action 8, the environment has actions 0 to 2"):
        train(options, demonstrations=replace(walks, actions=other_actions))


def test_an_environment_of_another_observation_is_refused() -> None:
    options = make_options()
    spec = options.agent_spec({**INTERFACE, "n_observations": 60}, "toy")
    games = StageGames(CorridorVecEnv(2), [CorridorVectorEnv(2, autoreset=False)])
    with pytest.raises(ValueError, match=r"observations have shape \(4,\), the agent's \(60,\)"):
        train_stage(options, games, spec, StageInputs(None, None, 0))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"demonstration_share": 1.5}, "demonstration_share is a share"),
        ({"demonstration_share": 0.6, "elite_share": 0.6}, "together exceed 1"),
        ({"exploration": {"start": 2.0, "end": 0.0}}, "exploration is a share"),
        ({"warmup_steps": 5000}, "warmup_steps 5000 do not fit into buffer_size 4000"),
        ({"pretraining_steps": 10}, "pretraining_steps need a demonstration_share"),
        ({"gamma": 1.0}, "gamma"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_options_out_of_range_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        make_options(**changes)


def test_a_loss_that_is_not_finite_ends_the_stage_with_the_best_agent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    update = DemonstrationQRDQN._update

    def spoil_late(learner: DemonstrationQRDQN, batch: Batch, weight: float) -> dict[str, float]:
        if learner.num_timesteps > 1200:
            with torch.no_grad():
                learner.network.output.bias.fill_(torch.nan)
        return update(learner, batch, weight)

    monkeypatch.setattr(DemonstrationQRDQN, "_update", spoil_late)
    options = make_options(replay_ratio=8.0)
    walker = make_walker(options.agent_spec(INTERFACE, "toy"))
    with pytest.raises(TrainingDivergedError, match="loss is not finite at step 1204") as raised:
        train(options, incoming=walker)
    assert raised.value.agent is not None
    assert raised.value.batch is not None
    assert raised.value.batch["observations"].shape == (32, 4)
    score = score_agent(raised.value.agent, [CorridorVectorEnv(8, autoreset=False)], range(8))
    assert score.finish_rate == 1.0


def test_a_stage_that_stops_early_keeps_its_schedules() -> None:
    options = make_options(stop_at=1000, learning_rate={"start": 1e-3, "end": 0.0})
    history = train(options).history
    assert history["step"].max() == 1000
    rates = history.loc[history["metric"] == "train/learning_rate", "value"].tolist()
    # Half of the budget is over, so half of the rate is left.
    assert rates[-1] == pytest.approx(0.5e-3)


def test_an_interrupt_passes_through() -> None:
    def interrupt(metrics: Mapping[str, float], step: int) -> None:
        if step >= 500:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(make_options(), sink=interrupt)


def value(history: pd.DataFrame, metric: str) -> list[float]:
    values: list[float] = history.loc[history["metric"] == metric, "value"].tolist()
    return values


def best_of(learner: DemonstrationQRDQN) -> RankedAgent:
    """A walker that the learner begins with, as its best checkpoint."""
    walker = make_walker(learner.spec)
    learner.start_from(walker)
    games = [CorridorVectorEnv(8, autoreset=False)]
    checkpoints = Checkpoints(games, range(8), MetricHistory(silent_sink))
    checkpoints.consider(walker, 0, reference=True)
    return checkpoints.ranked[0]


@pytest.mark.parametrize(
    ("rate", "distance", "collapsed"),
    [(1.0, 20.0, False), (0.8, 16.0, False), (0.79, 20.0, True), (1.0, 15.9, True)],
)
def test_success_or_distance_below_their_share_is_a_collapse(
    rate: float, distance: float, collapsed: bool
) -> None:
    options = make_options(collapse_fraction=0.8)
    learner, guard = make_learner(options), CollapseGuard(options)
    score = AgentScore(rate, 1.0, distance, mean_cost=0.0)
    assert bool(guard.watch(learner, best_of(learner), score)) is collapsed
    assert (guard.collapses, guard.rollbacks) == (int(collapsed), int(collapsed))
    assert learner.rate_factor == (0.5 if collapsed else 1.0)


def test_rollbacks_are_limited_and_recorded() -> None:
    options = make_options(max_rollbacks=2)
    learner, guard = make_learner(options), CollapseGuard(options)
    best, fallen = best_of(learner), AgentScore(0.0, None, 1.0, mean_cost=199.0)
    counts = [guard.watch(learner, best, fallen) for _ in range(3)]
    assert (guard.collapses, guard.rollbacks) == (3, 2)
    assert [c["collapse/collapses"] for c in counts] == [1.0, 2.0, 3.0]
    assert [c["collapse/rollbacks"] for c in counts] == [1.0, 2.0, 2.0]
    assert [c["collapse/rate_factor"] for c in counts] == [0.5, 0.25, 0.25]
    assert learner.agent().fingerprint == best.agent.fingerprint


def test_a_forced_collapse_is_rolled_back(monkeypatch: pytest.MonkeyPatch) -> None:
    learn = DemonstrationQRDQN.train

    def forget_once(learner: DemonstrationQRDQN, gradient_steps: int, batch_size: int) -> None:
        learn(learner, gradient_steps, batch_size)
        if learner.num_timesteps == 900:
            with torch.no_grad():
                for network in (learner.network, learner.average.network):
                    network.output.weight.neg_()

    monkeypatch.setattr(DemonstrationQRDQN, "train", forget_once)
    # Learning hardly moves, so that nothing but the accident happens.
    options = make_options(learning_rate=1e-9, replay_ratio=1.0, exploration=0.0)
    walker = make_walker(options.agent_spec(INTERFACE, "toy"))
    result = train(options, incoming=walker)
    assert result.rollbacks == 1
    rates = result.history[result.history["metric"] == "evaluation/finish_rate"]
    assert rates["step"].tolist() == [0, 500, 1000, 1500, 2000]
    assert rates["value"].tolist() == [1.0, 1.0, 0.0, 1.0, 1.0]
    assert value(result.history, "collapse/rate_factor") == [0.5]


@pytest.mark.parametrize(
    ("kept", "final", "healthy"), [(1.0, 0.8, True), (1.0, 0.79, False), (0.95, 0.76, True)]
)
def test_health_is_a_share_of_the_success_at_the_beginning(
    kept: float, final: float, healthy: bool
) -> None:
    report = check_health(HealthOptions(success_kept=kept, advice="Rest."), 0.8, final)
    assert report.healthy is healthy
    assert report.advice == (None if healthy else "Rest.")
    assert report.required == pytest.approx(0.8 * kept)


def test_a_stage_reports_its_health() -> None:
    rule = {"success_kept": 0.95, "advice": "Lower the learning rate."}
    options = make_options(learning_rate=1.0, exploration=1.0, max_rollbacks=0, health=rule)
    result = train(options, incoming=make_walker(options.agent_spec(INTERFACE, "toy")))
    assert result.health is not None
    rates = value(result.history, "evaluation/finish_rate")
    assert (result.health.reference, result.health.final) == (rates[0], rates[-1])
    assert result.health.reference == 1.0
    assert not result.health.healthy
    assert result.health.advice == "Lower the learning rate."
    assert np.isclose(result.health.required, 0.95)
    assert train(make_options(budget={"steps": 400})).health is None
