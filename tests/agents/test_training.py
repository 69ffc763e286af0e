"""Trainings with any algorithm: results, stops, and going on to the same end."""

import json
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from pydantic import ValidationError
from stable_baselines3 import PPO

from qwop_wr import stopping
from qwop_wr.agents.learners.options import PPOOptions
from qwop_wr.agents.learners.ppo import VectorPPO
from qwop_wr.agents.policy import RecurrentPolicy
from qwop_wr.agents.rollout import play_episodes
from qwop_wr.agents.schedules import BudgetClock, TrainingBudget
from qwop_wr.agents.state import TrainingDivergedError, TrainingState, TrainingStateError
from qwop_wr.agents.training import (
    LearnerTask,
    LearnerTraining,
    TrainingResult,
    kept_agent,
    kept_steps,
    training_result,
)
from qwop_wr.envs import QwopVectorEnv
from qwop_wr.metric_sink import MetricSink, silent_sink
from qwop_wr.stopping import stop_signals
from tests.agents.corridor import INTERFACE, CorridorVecEnv, CorridorVectorEnv
from tests.agents.small_trainings import ENVIRONMENT, SMALL, games, make_task, make_training


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


def training(options: PPOOptions, seed: int = 1) -> LearnerTraining:
    task = LearnerTask(options, options.agent_spec(INTERFACE, "toy"), seed)
    evaluation_games = [CorridorVectorEnv(8, autoreset=False)]
    return LearnerTraining(options, task, CorridorVecEnv(8), evaluation_games)


def train(options: PPOOptions, seed: int = 1, sink: MetricSink = silent_sink) -> TrainingResult:
    *_, state = training(options, seed).run(sink=sink)
    return training_result(state)


@pytest.mark.parametrize("algorithm", ["own_ppo", "ppo"])
def test_a_walker_is_learnt_and_the_best_is_kept(algorithm: str) -> None:
    passed: list[tuple[Mapping[str, float], int]] = []

    def sink(metrics: Mapping[str, float], step: int) -> None:
        passed.append((metrics, step))

    result = train(make_options(algorithm=algorithm), sink=sink)
    episodes = play_episodes(
        result.agent.policy(), CorridorVectorEnv(8, autoreset=False), range(100, 120)
    )
    assert episodes.finished.all()
    assert (episodes.length < 25).all()
    history = result.history
    evaluations = history[history["metric"] == "evaluation/mean_cost"]
    assert evaluations["step"].tolist() == [2048 * i for i in range(7)]
    assert result.agent.card["evaluation"]["mean_cost"] == evaluations["value"].min()  # type: ignore[index, call-overload]
    assert result.agent.card["seed"] == 1
    assert sum(len(metrics) for metrics, _ in passed) == len(history)
    logged = {"train/value_loss", "train/learning_rate", "rollout/finish_rate", "time/fps"}
    assert logged | {"time/core_minutes"} <= set(history["metric"])


@pytest.mark.parametrize("algorithm", ["own_ppo", "ppo"])
def test_one_seed_gives_identical_weights_and_another_does_not(algorithm: str) -> None:
    options = make_options(algorithm=algorithm, budget={"steps": 2048})
    first, second, other = train(options, 5), train(options, 5), train(options, 6)
    assert first.agent.fingerprint == second.agent.fingerprint
    assert first.agent.fingerprint != other.agent.fingerprint


@pytest.mark.parametrize("algorithm", ["own_ppo", "ppo"])
def test_schedules_follow_the_budget(algorithm: str) -> None:
    options = make_options(
        algorithm=algorithm,
        budget={"steps": 4096},
        learning_rate={"start": 1e-3, "end": 0.0},
        n_steps=128,
    )
    history = train(options).history
    # Of four rollouts the second and the fourth are logged; SB3 takes the entropy weight
    # before a rollout, we after it.
    before = {"own_ppo": 0.0, "ppo": 0.25}[algorithm]
    schedules = (("learning_rate", 1e-3, 0.0, 0.0), ("entropy_weight", 0.02, 0.005, before))
    for name, start, end, lag in schedules:
        values = history.loc[history["metric"] == f"train/{name}", "value"].to_list()
        expected = [start + (end - start) * (done - lag) for done in (0.5, 1.0)]
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
        train(make_options(algorithm="ppo"))
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


@pytest.mark.parametrize("algorithm", ["own_ppo", "ppo"])
def test_a_stopped_training_comes_to_the_same_end_bit_for_bit(algorithm: str) -> None:
    fields = {"algorithm": algorithm, "save_minutes": None, "log_every": 1500}
    (whole,) = training(make_options(**fields, save_every=10**9)).run()
    # Evaluations are every 2048 steps, updates every 512: states lie between them, too.
    options = make_options(**fields, save_every=512)
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
        replace(state, arrays={**state.arrays, "policy/actor_output.bias": np.zeros(7)}),
        replace(state, facts={**state.facts, "ranked": [{}]}),
    ):
        with pytest.raises(TrainingStateError, match="does not fit this training"):
            next(training(make_options()).run(spoilt))


def test_a_stop_that_is_asked_for_gives_the_state_out_first() -> None:
    options = make_options(save_minutes=None, save_every=10**9)
    (whole,) = training(options).run()

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


def test_a_stop_in_the_last_iteration_still_gives_the_end_out() -> None:
    options = make_options(budget={"steps": 2048})

    def ask(metrics: Mapping[str, float], step: int) -> None:
        if step == 2048 and not stopping.stop_requested():
            signal.raise_signal(signal.SIGINT)

    with stop_signals():
        states = training(options).run(sink=ask)
        assert next(states).finished
        with pytest.raises(KeyboardInterrupt):
            next(states)


def test_the_second_stop_ends_at_once() -> None:
    def ask(metrics: Mapping[str, float], step: int) -> None:
        signal.raise_signal(signal.SIGTERM)

    with stop_signals(), pytest.raises(KeyboardInterrupt):
        next(training(make_options()).run(sink=ask))


def test_the_clock_of_a_budget_starts_at_zero() -> None:
    assert BudgetClock(TrainingBudget(steps=5)).progress(0) == 0.0


def assert_equal(one: TrainingState, other: TrainingState) -> None:
    """As ``assert_same_end``, and all facts are equal, too."""
    assert_same_end(one, other)
    times = {"seconds": 0, "core_seconds": 0}
    assert {**one.facts, **times} == {**other.facts, **times}


@pytest.mark.parametrize("algorithm", SMALL)
def test_a_stopped_training_goes_on_to_the_bit(algorithm: str) -> None:
    states = list(make_training(make_task(algorithm)).run())
    assert [state.facts["steps"] for state in states] == [128, 256, 384] or algorithm == "a2c"
    assert [state.facts["finished"] for state in states] == [False] * (len(states) - 1) + [True]
    np.random.seed(99)  # noqa: NPY002 - what a resumed training must not depend on
    resumed = []
    for state in make_training(make_task(algorithm)).run(states[0]):
        resumed.append(state)
        np.random.rand()  # noqa: NPY002 - others draw from it, too
    assert len(resumed) == len(states) - 1
    assert_equal(resumed[-1], states[-1])
    history = training_result(states[-1]).history
    logged = {"evaluation/mean_distance", "rollout/reward_mean", "rollout/shaping/calm"}
    assert logged | {"train/learning_rate"} <= set(history["metric"])
    assert history.loc[history["metric"] == "evaluation/mean_cost", "step"].iloc[0] == 0


@pytest.mark.parametrize("algorithm", SMALL)
def test_weights_change_and_seeds_matter(algorithm: str) -> None:
    first = make_task(algorithm).learner(games(), lambda steps: 0.0)
    before = first.agent().fingerprint
    again = make_task(algorithm).learner(games(), lambda steps: 0.0)
    other = make_task(algorithm, seed=4).learner(games(), lambda steps: 0.0)
    assert again.agent().fingerprint == before != other.agent().fingerprint
    while first.steps < 128:
        first.iterate()
    assert first.agent().fingerprint != before


@pytest.mark.parametrize("algorithm", ["dqn", "double_dqn", "qrdqn", "ppo", "a2c"])
def test_the_agent_acts_as_the_librarys_policy(algorithm: str) -> None:
    learner = make_task(algorithm).learner(games(), lambda steps: 0.0)
    while learner.steps < 128:
        learner.iterate()
    observations = np.random.default_rng(0).normal(size=(64, 78)).astype(np.float32)
    theirs, _ = learner._model.predict(observations, deterministic=True)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(learner.agent().policy().act(observations), theirs)


def test_a_recurrent_agent_remembers_as_the_librarys_policy() -> None:
    learner = make_task("recurrent_ppo").learner(games(), lambda steps: 0.0)
    learner.iterate()
    policy = learner.agent().policy()
    assert isinstance(policy, RecurrentPolicy)
    rng = np.random.default_rng(0)
    starts, memory = np.ones(4, dtype=bool), None
    run = rng.normal(scale=3.0, size=(12, 4, 78)).astype(np.float32)
    theirs = []
    for observations in run:
        actions, memory = learner._model.predict(  # type: ignore[attr-defined]
            observations, memory, starts, deterministic=True
        )
        theirs.append(actions)
        starts = np.zeros(4, dtype=bool)
    for _ in range(2):
        policy.begin()
        np.testing.assert_array_equal([policy.act(seen) for seen in run], theirs)
    without_memory = [policy.action_scores(seen).argmax(axis=1) for seen in run]
    assert (np.array(without_memory) != np.array(theirs)).any()


@pytest.mark.parametrize("algorithm", ["own_ppo", "ppo", "qrdqn", "recurrent_ppo"])
def test_one_training_begins_where_another_was(algorithm: str) -> None:
    task = make_task(algorithm, keep_at=(200,))
    *_, parent = make_training(task).run()
    assert kept_steps(parent) == [200]
    kept = kept_agent(parent, 200)
    child = make_task(algorithm, initial_agent=kept).learner(games(), lambda steps: 0.0)
    assert child.agent().fingerprint == kept.fingerprint
    assert child.steps == 0
    resumed = next(make_training(make_task(algorithm, initial_agent=kept)).run())
    with pytest.raises(TrainingStateError, match="other begin_with"):
        next(make_training(make_task(algorithm)).run(resumed))


@pytest.mark.parametrize("algorithm", ["own_ppo", "qrdqn"])
def test_a_stop_between_two_evaluations_loses_nothing(algorithm: str) -> None:
    *_, whole = make_training(make_task(algorithm)).run()

    def stop(metrics: object, step: int) -> None:
        if step >= 192:
            stopping._requested.set()

    states: list[TrainingState] = []
    try:
        with pytest.raises(KeyboardInterrupt):
            states.extend(make_training(make_task(algorithm)).run(sink=stop))
    finally:
        stopping._requested.clear()
    assert [state.facts["steps"] for state in states] == [128, 192]
    *_, resumed = make_training(make_task(algorithm)).run(states[-1])
    assert_equal(resumed, whole)


def test_an_agent_of_another_kind_is_no_beginning() -> None:
    kept = make_task("ppo").learner(games(), lambda steps: 0.0).agent()
    with pytest.raises(ValueError, match="begin with has algorithm = 'ppo', but the training"):
        make_task("qrdqn", initial_agent=kept).learner(games(), lambda steps: 0.0)


def test_weights_that_diverge_end_the_training_as_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    iterate = VectorPPO.iterate

    def spoil_late(learner: VectorPPO) -> None:
        if learner.steps >= 192:
            raise TrainingDivergedError("a weight", learner.steps)
        iterate(learner)

    monkeypatch.setattr(VectorPPO, "iterate", spoil_late)
    *_, last = make_training(make_task("own_ppo")).run()
    assert last.facts["diverged_at"] == 192
    assert last.finished
    assert list(make_training(make_task("own_ppo")).run(last)) == [last]


def test_a_finished_training_has_nothing_left_to_do() -> None:
    *_, state = make_training(make_task("own_ppo")).run()
    assert list(make_training(make_task("own_ppo")).run(state)) == [state]
    *_, longer = make_training(make_task("own_ppo"), steps=448).run(state)
    assert longer.facts["steps"] == 448


def test_a_training_ends_for_the_time_being_unnoticed_by_its_schedules() -> None:
    *_, whole = make_training(make_task("own_ppo")).run()
    *_, part = make_training(make_task("own_ppo"), stop_at=256).run()
    assert (part.facts["steps"], part.finished) == (256, True)
    assert list(make_training(make_task("own_ppo"), stop_at=256).run(part)) == [part]
    *_, rest = make_training(make_task("own_ppo")).run(part)
    assert_equal(rest, whole)


@pytest.mark.parametrize(
    ("algorithm", "seed", "wrong"), [("ppo", 3, "learning"), ("own_ppo", 4, "seed")]
)
def test_a_state_of_another_algorithm_or_seed(algorithm: str, seed: int, wrong: str) -> None:
    state = next(make_training(make_task("own_ppo")).run())
    with pytest.raises(TrainingStateError, match=f"of a training with other .*{wrong}"):
        next(make_training(make_task(algorithm, seed=seed)).run(state))


def test_metrics_go_to_tensorboard_if_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    *_, state = make_training(make_task("own_ppo"), tensorboard=str(tmp_path)).run()
    events = accumulator.EventAccumulator(str(tmp_path)).Reload()
    history = training_result(state).history
    rows = history[history["metric"] == "evaluation/mean_distance"]
    told = events.Scalars("evaluation/mean_distance")
    assert [event.step for event in told] == rows["step"].tolist()
    assert [event.value for event in told] == pytest.approx(rows["value"].tolist())
    monkeypatch.setattr("qwop_wr.agents.learners.options.tensorboard_is_installed", lambda: False)
    with pytest.raises(ValidationError, match=r"pip install '\.\[tensorboard\]'"):
        make_training(make_task("own_ppo"), tensorboard=str(tmp_path))


def test_a_recurrent_agent_plays_whole_episodes_alike() -> None:
    """What it did in one batch of games must not leak into the next."""
    from qwop_wr.agents.rollout import play_episodes  # noqa: PLC0415

    agent = make_task("recurrent_ppo").learner(games(), lambda steps: 0.0).agent()
    env = QwopVectorEnv(4, ENVIRONMENT, autoreset=False)
    twice = play_episodes(agent.policy(), env, [1, 2, 3, 4, 1, 2, 3, 4])
    np.testing.assert_array_equal(twice.distance[:4], twice.distance[4:])
    np.testing.assert_array_equal(twice.ticks[:4], twice.ticks[4:])
