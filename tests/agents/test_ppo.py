import json
import signal
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from stable_baselines3 import PPO

from qwop_wr.agents.budget import BudgetClock, TrainingBudget
from qwop_wr.agents.errors import TrainingDivergedError, TrainingStateError
from qwop_wr.agents.ppo import PPOOptions, ScheduledPPO, extract_agent
from qwop_wr.agents.ppo_training import PPOTraining, TrainingResult, training_result
from qwop_wr.agents.rollout import play_episodes
from qwop_wr.agents.state import TrainingState
from qwop_wr.metric_sink import MetricSink, silent_sink
from qwop_wr.stopping import stop_signals
from tests.agents.corridor import INTERFACE, CorridorVecEnv, CorridorVectorEnv


def make_options(**changes: object) -> PPOOptions:
    fields = {
        "budget": {"steps": 12_288},
        "net_arch": (16,),
        "n_steps": 64,
        "batch_size": 128,
        "n_epochs": 4,
        "gamma": 0.9975,
        "learning_rate": 3e-3,
        "entropy": {"start": 0.02, "end": 0.005},
        "evaluation_every": 2048,
        "evaluation_starts": 8,
        "log_every": 2048,
        "progress_bar": False,
        **changes,
    }
    return PPOOptions.model_validate(fields)


def training(options: PPOOptions, seed: int = 1) -> PPOTraining:
    spec = options.agent_spec(INTERFACE, "toy")
    evaluation_env = CorridorVectorEnv(8, autoreset=False)
    return PPOTraining(options, CorridorVecEnv(8), evaluation_env, spec, seed)


def train(options: PPOOptions, seed: int = 1, sink: MetricSink = silent_sink) -> TrainingResult:
    *_, state = training(options, seed).run(sink=sink)
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
        budget={"steps": 4096},
        learning_rate={"start": 1e-3, "end": 0.0},
        entropy={"start": 0.02, "end": 0.005},
        n_steps=128,
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


def without_times(history: pd.DataFrame) -> pd.DataFrame:
    return history[~history["metric"].str.startswith("time/")].reset_index(drop=True)


def as_stored(state: TrainingState) -> TrainingState:
    """The state as it comes back from a file, its JSON in another order."""
    facts = json.loads(json.dumps(dict(state.facts), sort_keys=True))
    return TrainingState(dict(sorted(state.arrays.items())), facts)


def assert_same_end(one: TrainingState, other: TrainingState) -> None:
    """Weights, generators, games and history are equal to the bit; times are not compared."""
    for name in {*one.arrays, *other.arrays}:
        if not name.startswith("history/"):
            assert one.arrays[name].tobytes() == other.arrays[name].tobytes(), name
    first, second = training_result(one), training_result(other)
    assert first.agent.fingerprint == second.agent.fingerprint
    pd.testing.assert_frame_equal(
        without_times(first.history), without_times(second.history), check_exact=True
    )


def test_a_stopped_training_comes_to_the_same_end_bit_for_bit() -> None:
    plain = make_options(save_minutes=None, log_every=1500)
    (whole,) = training(plain).run()
    # Evaluations are every 2048 steps, updates every 512: states lie between them, too.
    options = make_options(save_minutes=None, log_every=1500, save_every=512)
    states = list(training(options).run())
    steps = [state.facts["steps"] for state in states]
    assert steps == list(range(512, 12_289, 512))
    assert_same_end(states[-1], whole)
    for number in (0, 3, 22):
        torch.rand(number)
        np.random.rand(number)  # noqa: NPY002 - SB3 draws from it
        *_, resumed = training(options).run(as_stored(states[number]))
        assert_same_end(resumed, whole)
        assert float(resumed.facts["core_seconds"]) > float(states[number].facts["core_seconds"])  # type: ignore[arg-type]


def test_a_finished_training_has_nothing_left_to_do_unless_the_budget_grows() -> None:
    *_, state = training(make_options()).run()
    assert state.finished
    (same,) = training(make_options()).run(state)
    assert same is state
    longer = training(make_options(budget={"steps": 14_336})).run(state)
    assert [step.facts["steps"] for step in longer] == [14_336]


@pytest.mark.parametrize(
    ("changes", "seed", "wrong"), [({"gamma": 0.9}, 1, "options"), ({}, 2, "seed")]
)
def test_a_state_of_another_training(changes: dict[str, float], seed: int, wrong: str) -> None:
    state = next(training(make_options(save_every=512)).run())
    with pytest.raises(TrainingStateError, match=f"of a training with other {wrong}; .*=false"):
        next(training(make_options(**changes), seed).run(state))
    # At its end it has given its result, and stands in nobody's way.
    *_, ended = training(make_options(budget={"steps": 512})).run()
    anew = next(training(make_options(save_every=512, **changes), seed).run(ended))
    assert anew.facts["steps"] == 512


def test_a_state_that_lacks_something_is_refused() -> None:
    state = next(training(make_options(save_every=512)).run())
    for spoilt in (
        replace(state, arrays={**state.arrays, "games/rngs": state.arrays["games/rngs"][:2]}),
        replace(state, arrays={**state.arrays, "policy/action_net.bias": np.zeros(7)}),
        replace(state, facts={**state.facts, "metrics": {}}),
    ):
        with pytest.raises(TrainingStateError, match="does not fit this training"):
            next(training(make_options()).run(spoilt))


def test_a_stop_that_is_asked_for_gives_the_state_out_first() -> None:
    whole = list(training(make_options(save_minutes=None)).run())[-1]
    options = make_options(save_minutes=None)

    asked: list[int] = []

    def ask_once(metrics: Mapping[str, float], step: int) -> None:
        if step >= 4096 and not asked:
            asked.append(step)
            signal.raise_signal(signal.SIGINT)

    with stop_signals():
        stopping = training(options).run(sink=ask_once)
        state = next(stopping)
        with pytest.raises(KeyboardInterrupt):
            next(stopping)
    assert [state.facts["steps"]] == asked == [4096]
    *_, resumed = training(options).run(state)
    assert_same_end(resumed, whole)


def test_the_second_stop_ends_at_once() -> None:
    def ask(metrics: Mapping[str, float], step: int) -> None:
        signal.raise_signal(signal.SIGTERM)

    with stop_signals(), pytest.raises(KeyboardInterrupt):
        next(training(make_options()).run(sink=ask))


def test_the_clock_of_a_budget_starts_at_zero() -> None:
    assert BudgetClock(TrainingBudget(steps=5)).progress(0) == 0.0
