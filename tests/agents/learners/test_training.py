"""Every algorithm learns, stops, goes on and hands its agent over."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from qwop_wr import stopping
from qwop_wr.agents.errors import TrainingDivergedError, TrainingStateError
from qwop_wr.agents.learners.own import OwnPPOLearner
from qwop_wr.agents.learners.training import kept_agent, kept_steps
from qwop_wr.agents.policy import RecurrentPolicy
from qwop_wr.agents.ppo_training import training_result
from qwop_wr.agents.state import TrainingState
from qwop_wr.envs import QwopVectorEnv
from tests.agents.learners.conftest import ENVIRONMENT, SMALL, MakeTraining, games, make_task


def assert_equal(one: TrainingState, other: TrainingState) -> None:
    assert one.arrays.keys() == other.arrays.keys()
    for name, array in one.arrays.items():
        np.testing.assert_array_equal(array, other.arrays[name], err_msg=name)
    facts = {**one.facts, "seconds": 0}
    assert facts == {**other.facts, "seconds": 0}


@pytest.mark.parametrize("algorithm", SMALL)
def test_a_stopped_training_goes_on_to_the_bit(algorithm: str, make_training: MakeTraining) -> None:
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
def test_weights_change_and_seeds_matter(algorithm: str, make_training: MakeTraining) -> None:
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
def test_one_training_begins_where_another_was(algorithm: str, make_training: MakeTraining) -> None:
    task = make_task(algorithm, keep_at=(200,))
    *_, parent = make_training(task).run()
    assert kept_steps(parent) == [200]
    kept = kept_agent(parent, 200)
    child = make_task(algorithm, begin_with=kept).learner(games(), lambda steps: 0.0)
    assert child.agent().fingerprint == kept.fingerprint
    assert child.steps == 0
    resumed = next(make_training(make_task(algorithm, begin_with=kept)).run())
    with pytest.raises(TrainingStateError, match="other begin_with"):
        next(make_training(make_task(algorithm)).run(resumed))


@pytest.mark.parametrize("algorithm", ["own_ppo", "qrdqn"])
def test_a_stop_between_two_evaluations_loses_nothing(
    algorithm: str, make_training: MakeTraining
) -> None:
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
    with pytest.raises(ValueError, match="another network or environment"):
        make_task("qrdqn", begin_with=kept).learner(games(), lambda steps: 0.0)


def test_weights_that_diverge_end_the_training_as_a_result(
    make_training: MakeTraining, monkeypatch: pytest.MonkeyPatch
) -> None:
    iterate = OwnPPOLearner.iterate

    def spoil_late(learner: OwnPPOLearner) -> object:
        if learner.steps >= 192:
            raise TrainingDivergedError("a weight", learner.steps)
        return iterate(learner)

    monkeypatch.setattr(OwnPPOLearner, "iterate", spoil_late)
    *_, last = make_training(make_task("own_ppo")).run()
    assert last.facts["diverged_at"] == 192
    assert last.finished
    assert list(make_training(make_task("own_ppo")).run(last)) == [last]


def test_a_finished_training_has_nothing_left_to_do(make_training: MakeTraining) -> None:
    *_, state = make_training(make_task("own_ppo")).run()
    assert list(make_training(make_task("own_ppo")).run(state)) == [state]
    *_, longer = make_training(make_task("own_ppo"), steps=448).run(state)
    assert longer.facts["steps"] == 448


def test_a_training_ends_for_the_time_being_unnoticed_by_its_schedules(
    make_training: MakeTraining,
) -> None:
    *_, whole = make_training(make_task("own_ppo")).run()
    *_, part = make_training(make_task("own_ppo"), stop_at=256).run()
    assert (part.facts["steps"], part.finished) == (256, True)
    assert list(make_training(make_task("own_ppo"), stop_at=256).run(part)) == [part]
    *_, rest = make_training(make_task("own_ppo")).run(part)
    assert_equal(rest, whole)


@pytest.mark.parametrize(
    ("algorithm", "seed", "wrong"), [("ppo", 3, "learning"), ("own_ppo", 4, "seed")]
)
def test_a_state_of_another_training(
    algorithm: str, seed: int, wrong: str, make_training: MakeTraining
) -> None:
    state = next(make_training(make_task("own_ppo")).run())
    with pytest.raises(TrainingStateError, match=f"of a training with other .*{wrong}"):
        next(make_training(make_task(algorithm, seed=seed)).run(state))


def test_metrics_go_to_tensorboard_if_it_is_there(
    make_training: MakeTraining, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    *_, state = make_training(make_task("own_ppo"), tensorboard=str(tmp_path)).run()
    events = accumulator.EventAccumulator(str(tmp_path)).Reload()
    history = training_result(state).history
    rows = history[history["metric"] == "evaluation/mean_distance"]
    told = events.Scalars("evaluation/mean_distance")
    assert [event.step for event in told] == rows["step"].tolist()
    assert [event.value for event in told] == pytest.approx(rows["value"].tolist())
    monkeypatch.setattr("qwop_wr.agents.learners.training.is_installed", lambda: False)
    with pytest.raises(ValidationError, match=r"pip install '\.\[tensorboard\]'"):
        make_training(make_task("own_ppo"), tensorboard=str(tmp_path))


def test_a_recurrent_agent_plays_whole_episodes_alike(make_training: MakeTraining) -> None:
    """What it did in one batch of games must not leak into the next."""
    from qwop_wr.agents.rollout import play_episodes  # noqa: PLC0415

    agent = make_task("recurrent_ppo").learner(games(), lambda steps: 0.0).agent()
    env = QwopVectorEnv(4, ENVIRONMENT, autoreset=False)
    twice = play_episodes(agent.policy(), env, [1, 2, 3, 4, 1, 2, 3, 4])
    np.testing.assert_array_equal(twice.distance[:4], twice.distance[4:])
    np.testing.assert_array_equal(twice.ticks[:4], twice.ticks[4:])
