from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
import torch
from stable_baselines3 import PPO

from qwop_wr.agents.budget import BudgetClock, TrainingBudget
from qwop_wr.agents.errors import TrainingDivergedError
from qwop_wr.agents.ppo import PPOOptions, ScheduledPPO, extract_agent
from qwop_wr.agents.ppo_training import PPOTraining, TrainingResult, training_result
from qwop_wr.agents.rollout import play_episodes
from qwop_wr.metric_sink import MetricSink, silent_sink
from tests.agents.corridor import INTERFACE, CorridorVecEnv, CorridorVectorEnv


def make_options(**changes: object) -> PPOOptions:
    fields = {
        "budget": {"steps": 12_288},
        "net_arch": (16,),
        "n_steps": 64,
        "batch_size": 128,
        "learning_rate": 3e-3,
        "evaluation_every": 2048,
        "evaluation_starts": 8,
        "log_every": 2048,
        "progress_bar": False,
        **changes,
    }
    return PPOOptions.model_validate(fields)


def training(options: PPOOptions, seed: int = 1, sink: MetricSink = silent_sink) -> PPOTraining:
    spec = options.agent_spec(INTERFACE, "toy")
    evaluation_env = CorridorVectorEnv(8, autoreset=False)
    return PPOTraining(options, CorridorVecEnv(8), evaluation_env, spec, seed, sink)


def train(options: PPOOptions, seed: int = 1, sink: MetricSink = silent_sink) -> TrainingResult:
    *_, state = training(options, seed, sink).run()
    return training_result(state)


def test_a_walker_is_learnt_and_the_best_is_kept() -> None:
    passed: list[tuple[Mapping[str, float], int]] = []

    def sink(metrics: Mapping[str, float], step: int) -> None:
        passed.append((metrics, step))

    result = train(make_options(), sink=sink)
    episodes = play_episodes(
        result.agent.policy(), CorridorVectorEnv(8, autoreset=False), range(100, 120)
    )
    assert episodes.finished.all()
    assert (episodes.length < 25).all()
    history = result.history
    evaluations = history[history["metric"] == "evaluation/mean_cost"]
    assert evaluations["step"].tolist() == [2048 * i for i in range(1, 7)]
    assert result.agent.card["evaluation"]["mean_cost"] == evaluations["value"].min()  # type: ignore[index, call-overload]
    assert result.agent.card["seed"] == 1
    assert sum(len(metrics) for metrics, _ in passed) == len(history)
    assert {"train/loss", "rollout/finish_rate", "time/fps"} <= set(history["metric"])


def test_one_seed_gives_identical_weights_and_another_does_not() -> None:
    options = make_options(budget={"steps": 2048})
    first, second, other = train(options, 5), train(options, 5), train(options, 6)
    assert first.agent.fingerprint == second.agent.fingerprint
    assert first.agent.fingerprint != other.agent.fingerprint


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_extracted_network_equals_sb3s(activation: str) -> None:
    options = make_options(net_arch=(12, 7), activation=activation)
    clock = BudgetClock(options.budget)
    model = ScheduledPPO(options, CorridorVecEnv(2), clock, seed=3)
    with torch.no_grad():
        for weights in model.policy.parameters():
            weights.normal_(generator=torch.Generator().manual_seed(weights.numel()))
    policy = extract_agent(options.agent_spec(INTERFACE, "toy"), model).policy()
    observations = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
    with torch.no_grad():
        tensor = torch.from_numpy(observations)
        values = model.policy.predict_values(tensor)[:, 0].numpy()
        latent = model.policy.mlp_extractor.forward_actor(tensor)
        logits = model.policy.action_net(latent).numpy()
    np.testing.assert_array_equal(policy.action_scores(observations), logits)
    np.testing.assert_array_equal(policy.values(observations), values)
    best, _ = model.predict(observations, deterministic=True)
    np.testing.assert_array_equal(policy.act(observations), best)


def test_schedules_follow_the_budget() -> None:
    options = make_options(
        budget={"steps": 4096}, learning_rate={"start": 1e-3, "end": 0.0}, n_steps=128
    )
    history = train(options).history
    for name, start, end in (("learning_rate", 1e-3, 0.0), ("entropy_weight", 0.02, 0.005)):
        values = history.loc[history["metric"] == f"train/{name}", "value"].to_list()
        expected = [start + (end - start) * done for done in (0.5, 1.0)]
        assert values == pytest.approx(expected, abs=1e-12)


def test_a_budget_in_minutes_ends_the_training() -> None:
    result = train(make_options(budget={"minutes": 0.01}))
    assert result.history["step"].max() >= 512


def test_batches_must_divide_an_update() -> None:
    with pytest.raises(ValueError, match="batch_size 100 must divide n_steps x games = 512"):
        train(make_options(batch_size=100))


def test_diverging_weights_end_the_training_with_the_best_agent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train_once = PPO.train

    def spoil_late(model: PPO) -> None:
        train_once(model)
        if model.num_timesteps > 3000:
            with torch.no_grad():
                next(model.policy.action_net.parameters()).fill_(torch.nan)

    monkeypatch.setattr(PPO, "train", spoil_late)
    with pytest.raises(
        TrainingDivergedError, match="a weight is not finite at step 3072"
    ) as raised:
        train(make_options())
    assert raised.value.agent is not None
    assert raised.value.agent.card["steps"] == 2048


def test_an_interrupt_passes_through() -> None:
    def interrupt(metrics: Mapping[str, float], step: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(make_options(), sink=interrupt)


def test_a_stopped_training_goes_on() -> None:
    options = make_options()
    states = list(training(options).run())
    assert [state.facts["steps"] for state in states] == [2048 * i for i in range(1, 7)]
    resumed = list(training(options).run(states[2]))
    assert [state.facts["steps"] for state in resumed] == [2048 * i for i in range(4, 7)]
    before, after = training_result(states[2]), training_result(resumed[-1])
    pd.testing.assert_frame_equal(
        after.history.iloc[: len(before.history)], before.history, check_exact=True
    )
    costs = after.history.loc[after.history["metric"] == "evaluation/mean_cost", "value"]
    assert len(costs) == 6
    assert after.agent.card["evaluation"]["mean_cost"] == costs.min()  # type: ignore[index, call-overload]
    rates = after.history.loc[after.history["metric"] == "train/learning_rate", "value"]
    assert len(set(rates)) == 1


def test_the_learner_itself_goes_on() -> None:
    options = make_options()
    state = next(training(options).run())
    used = float(state.arrays["optimiser/0.step"])
    resumed = next(training(options).run(state))
    assert used > 0
    assert float(resumed.arrays["optimiser/0.step"]) == 2 * used
    assert resumed.facts["updates"] == 2 * int(state.facts["updates"])  # type: ignore[arg-type]
    assert float(resumed.facts["core_seconds"]) > float(state.facts["core_seconds"])  # type: ignore[arg-type]


def test_a_finished_training_has_nothing_left_to_do_unless_the_budget_grows() -> None:
    *_, state = training(make_options()).run()
    assert list(training(make_options()).run(state)) == []
    longer = training(make_options(budget={"steps": 14_336})).run(state)
    assert [step.facts["steps"] for step in longer] == [14_336]


@pytest.mark.parametrize(
    ("changes", "seed", "wrong"), [({"gamma": 0.9}, 1, "options"), ({}, 2, "seed")]
)
def test_a_state_of_another_training(changes: dict[str, float], seed: int, wrong: str) -> None:
    state = next(training(make_options()).run())
    with pytest.raises(ValueError, match=f"of a training with other {wrong}"):
        next(training(make_options(**changes), seed).run(state))


def test_the_clock_of_a_budget_starts_at_zero() -> None:
    assert BudgetClock(TrainingBudget(steps=5)).progress(0) == 0.0
