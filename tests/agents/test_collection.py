"""Experience from workers: equal wherever it is collected, bounded in age, fit to learn from."""

from functools import partial

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.vec_env import VecEnv

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.budget import BudgetClock
from qwop_wr.agents.collected_ppo import CollectedPPO
from qwop_wr.agents.collection import (
    Collection,
    CollectionOptions,
    Collector,
    Order,
    collection_job,
    play_stretch,
)
from qwop_wr.agents.ppo import PPOOptions, ScheduledPPO, extract_agent
from qwop_wr.agents.ppo_training import PPOTraining, TrainingResult, Workers, training_result
from qwop_wr.agents.rollout import play_episodes
from qwop_wr.compute import SERIAL, ComputeOptions, Stream, WorkContext
from tests.agents.corridor import INTERFACE, CorridorVecEnv, CorridorVectorEnv
from tests.agents.test_ppo import make_options

HERE = WorkContext(lambda: False, in_process=True)
N_STEPS = 64


def collecting(staleness: int = 1, **changes: object) -> PPOOptions:
    return make_options(collection={"shards": 2, "staleness": staleness}, **changes)


def train(options: PPOOptions, compute: ComputeOptions = SERIAL) -> TrainingResult:
    training = PPOTraining(
        options,
        CorridorVecEnv(8),
        CorridorVectorEnv(8, autoreset=False),
        options.agent_spec(INTERFACE, "toy"),
        seed=1,
        workers=Workers(partial(CorridorVecEnv, 4), compute),
    )
    *_, state = training.run()
    return training_result(state)


@pytest.fixture
def policy() -> Agent:
    options = make_options()
    model = ScheduledPPO(options, CorridorVecEnv(2), BudgetClock(options.budget), seed=3)
    return extract_agent(options.agent_spec(INTERFACE, "toy"), model)


@pytest.fixture
def collection() -> Collection:
    return Collection(partial(CorridorVecEnv, 4), N_STEPS, seed=5)


@pytest.mark.parametrize("staleness", [0, 1, 2])
def test_a_walker_is_learnt(staleness: int) -> None:
    result = train(collecting(staleness))
    env = CorridorVectorEnv(8, autoreset=False)
    assert play_episodes(result.agent.policy(), env, range(100, 120)).finished.all()
    assert "rollout/finish_rate" in set(result.history["metric"])


def test_what_is_learnt_depends_on_staleness_and_not_on_the_workers() -> None:
    options = collecting(budget={"steps": 2048})
    here = train(options)
    processes = train(options, ComputeOptions(backend="process", workers=2))
    assert processes.agent.fingerprint == here.agent.fingerprint
    fresh = train(collecting(0, budget={"steps": 2048}))
    assert fresh.agent.fingerprint != here.agent.fingerprint


def test_a_stretch_goes_on_where_the_last_one_ended(policy: Agent, collection: Collection) -> None:
    first = play_stretch(collection, Order(0, 0, policy, None), HERE)
    second = play_stretch(collection, Order(0, 1, policy, first.games), HERE)
    np.testing.assert_array_equal(second.stretch.observations[0], first.stretch.observations[-1])
    np.testing.assert_array_equal(second.stretch.starts[0], first.stretch.starts[-1])
    again = play_stretch(collection, Order(0, 1, policy, first.games), HERE)
    np.testing.assert_array_equal(again.stretch.actions, second.stretch.actions)
    other = play_stretch(collection, Order(1, 0, policy, None), HERE)
    assert (other.stretch.actions != first.stretch.actions).any()


def test_probabilities_are_those_of_the_policy(policy: Agent, collection: Collection) -> None:
    stretch = play_stretch(collection, Order(0, 0, policy, None), HERE).stretch
    scores = policy.policy().action_scores(stretch.observations[:-1].reshape(-1, 4))
    normal = torch.log_softmax(torch.tensor(scores), dim=1).numpy()
    expected = normal[np.arange(len(scores)), stretch.actions.ravel()]
    np.testing.assert_allclose(stretch.log_probs.ravel(), expected, atol=1e-5)
    share = np.bincount(stretch.actions.ravel(), minlength=3) / stretch.actions.size
    assert share == pytest.approx(np.exp(scores).mean(0) / np.exp(scores).sum(1).mean(), abs=0.15)


@pytest.mark.parametrize("staleness", [0, 1, 2])
def test_the_age_of_policies_is_bounded(
    policy: Agent, collection: Collection, staleness: int
) -> None:
    ordered: list[Order] = []

    class Watched(Stream[Collection, Order, object]):
        def submit(self, item: Order) -> None:
            ordered.append(item)
            super().submit(item)

    options = CollectionOptions(shards=3, staleness=staleness)
    with Watched(collection_job(collection), SERIAL) as stream:  # type: ignore[arg-type]
        collector = Collector(stream, options, first=4)  # type: ignore[arg-type]
        for update in range(4, 9):
            stretches = collector.collect(policy.with_card(version=update))
            assert len(stretches) == 3
            ahead = max(order.number for order in ordered)
            assert ahead <= update + staleness
    for order in ordered:
        assert order.policy.card["version"] == max(order.number - staleness, 4)
    assert {(order.shard, order.number) for order in ordered} >= {
        (shard, number) for shard in range(3) for number in range(4, 9)
    }


class TestBuffer:
    """What the learner makes of stretches is what SB3 makes of its own steps."""

    class Recorder(BaseCallback):
        def _on_step(self) -> bool:
            return True

    def test_advantages_equal_sb3s(self) -> None:
        """SB3 plays the very actions of a stretch, and works out returns by itself."""
        options = make_options(collection={"shards": 1, "staleness": 0})
        spec = options.agent_spec(INTERFACE, "toy")
        env, clock = CorridorVecEnv(4), BudgetClock(options.budget)
        collection = Collection(partial(CorridorVecEnv, 4), options.n_steps, seed=1)
        job = collection_job(collection)
        with Stream(job, SERIAL) as stream:
            collector = Collector(stream, CollectionOptions(shards=1, staleness=0), first=0)
            model = CollectedPPO(options, env, clock, 1, collector, spec)
            callback = CallbackList([self.Recorder()])
            model._setup_learn(1, callback)
            callback.init_callback(model)
            model.collect_rollouts(env, callback, model.rollout_buffer, options.n_steps)
        played = model.rollout_buffer.actions[:, :, 0].astype(np.int64)
        reference = Scripted(options, CorridorVecEnv(4), BudgetClock(options.budget), 1)
        reference.script = list(played)
        reference._setup_learn(1, callback)
        assert reference.env is not None
        reference.collect_rollouts(
            reference.env, callback, reference.rollout_buffer, options.n_steps
        )
        for name in ("observations", "actions", "rewards", "episode_starts"):
            mine, theirs = (getattr(m.rollout_buffer, name) for m in (model, reference))
            np.testing.assert_allclose(mine, theirs, atol=1e-5)
        for name in ("values", "log_probs", "advantages", "returns"):
            mine, theirs = (getattr(m.rollout_buffer, name) for m in (model, reference))
            np.testing.assert_allclose(mine, theirs, atol=1e-4)


class Scripted(ScheduledPPO):
    """Plays given actions, whatever its policy draws."""

    script: list[NDArray[np.int64]]

    def __init__(self, options: PPOOptions, env: VecEnv, clock: BudgetClock, seed: int) -> None:
        super().__init__(options, env, clock, seed)
        forward = self.policy.forward

        def scripted(
            obs: torch.Tensor, deterministic: bool = False
        ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
            _, values, _ = forward(obs, deterministic)
            actions = torch.tensor(self.script.pop(0))
            _, log_probs, _ = self.policy.evaluate_actions(obs, actions)
            return actions, values, log_probs

        self.policy.forward = scripted  # type: ignore[method-assign]
