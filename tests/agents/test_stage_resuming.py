"""A stage that was stopped comes to the same end, bit for bit, coached or not."""

import signal
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from qwop_wr import stopping
from qwop_wr.agents.agent import Agent
from qwop_wr.agents.coaching import RatedActions
from qwop_wr.agents.schedules import TrainingBudget
from qwop_wr.agents.stage import (
    StageGames,
    StageInputs,
    StageOptions,
    StageTraining,
    stage_result,
    train_stage,
)
from qwop_wr.agents.state import TrainingDivergedError, TrainingState, TrainingStateError
from qwop_wr.stopping import stop_signals
from tests.agents.conftest import make_agent, make_walker, walk
from tests.agents.corridor import INTERFACE, CorridorVecEnv, CorridorVectorEnv
from tests.agents.learners.test_qrdqn import make_options
from tests.agents.test_training import as_stored, without_times

FIELDS = {
    "budget": {"steps": 1700},
    "demonstration_share": 0.25,
    "elite_share": 0.25,
    "elite_runs": 5,
    "pretraining_steps": 20,
    "replay_ratio": 4.0,
    # The ring turns, and long runs are dropped while they are still laid out.
    "buffer_size": 1200,
    "exploration": {"start": 0.3, "end": 0.0},
    "learning_rate": {"start": 1e-3, "end": 1e-4},
    "priorities": {},
    "log_every": 300,
    "save_minutes": None,
}
OPTIONS = make_options(**FIELDS, save_every=10**9)
OFTEN = make_options(**FIELDS, save_every=20)
"""A state after every fifth step of the games."""


def training(options: StageOptions = OPTIONS, seed: int = 3) -> StageTraining:
    games = StageGames(CorridorVecEnv(4), [CorridorVectorEnv(8, autoreset=False)])
    spec = options.agent_spec(INTERFACE, "toy")
    return StageTraining(options, games, spec, StageInputs(make_walker(spec), walk(3), seed))


def assert_same_end(one: TrainingState, other: TrainingState) -> None:
    first, second = stage_result(one), stage_result(other)
    assert first.agent.fingerprint == second.agent.fingerprint
    assert (first.gate, first.rollbacks, first.health) == (
        second.gate,
        second.rollbacks,
        second.health,
    )
    pd.testing.assert_frame_equal(
        without_times(first.history), without_times(second.history), check_exact=True
    )


def assert_same_course(one: TrainingState, other: TrainingState) -> None:
    """All weights, memories, generators and games are equal to the bit."""
    assert one.arrays.keys() == other.arrays.keys()
    for name, array in one.arrays.items():
        if not name.startswith("history/"):
            assert array.tobytes() == other.arrays[name].tobytes(), name
    times = {"seconds": 0, "core_seconds": 0, "pending_metrics": 0, "options": 0}
    timeless = [{**state.facts, **times} for state in (one, other)]
    assert timeless[0] == timeless[1]


@pytest.fixture(scope="module")
def whole() -> TrainingState:
    """The end of a training that was never stopped nor gave its state out."""
    *_, end = training().run()
    return end


@pytest.fixture(scope="module")
def states() -> list[TrainingState]:
    """All states of a training that gives them out often."""
    return list(training(OFTEN).run())


def test_giving_the_state_out_changes_nothing(
    whole: TrainingState, states: list[TrainingState]
) -> None:
    steps = [state.facts["steps"] for state in states[:-1]]
    assert steps == [*range(20, 1700, 20), 1700]
    assert_same_end(states[-1], whole)


@pytest.mark.parametrize("number", [0, 9, 10, 25, 60, 75, 82, -2])
def test_a_stopped_stage_comes_to_the_same_end(
    number: int, whole: TrainingState, states: list[TrainingState]
) -> None:
    options = make_options(**FIELDS, save_every=400)
    *between, end = training(options).run(as_stored(states[number]))
    assert_same_end(end, whole)
    for state in between[:-1]:
        (expected,) = [s for s in states[:-2] if s.facts["steps"] == state.facts["steps"]]
        assert_same_course(state, expected)


def test_a_pretraining_goes_on_in_its_midst(whole: TrainingState) -> None:
    minutes = make_options(**{**FIELDS, "save_minutes": 1e-9})
    states = training(minutes).run()
    early = [next(states) for _ in range(25)]
    counters = [state.facts["counters"] for state in early]
    assert [c["pretrained_steps"] for c in counters] == [*range(1, 21), *[20] * 5]  # type: ignore[index, call-overload]
    for state in (early[0], early[11], early[19], early[20]):
        *_, end = training().run(state)
        assert_same_end(end, whole)


def test_a_stop_that_is_asked_for_gives_the_state_out_first(whole: TrainingState) -> None:
    asked: list[int] = []

    def ask_once(metrics: Mapping[str, float], step: int) -> None:
        if step >= 900 and not asked:
            asked.append(step)
            signal.raise_signal(signal.SIGTERM)

    with stop_signals():
        stopping = training().run(sink=ask_once)
        state = next(stopping)
        with pytest.raises(KeyboardInterrupt):
            next(stopping)
    assert [state.facts["steps"]] == asked
    *_, end = training().run(state)
    assert_same_end(end, whole)


def test_training_in_one_go_gives_the_result(whole: TrainingState) -> None:
    games = StageGames(CorridorVecEnv(4), [CorridorVectorEnv(8, autoreset=False)])
    spec = OPTIONS.agent_spec(INTERFACE, "toy")
    result = train_stage(OPTIONS, games, spec, StageInputs(make_walker(spec), walk(3), 3))
    assert result.agent.fingerprint == stage_result(whole).agent.fingerprint
    assert result.gate == stage_result(whole).gate


def test_the_last_state_is_small_and_final(
    whole: TrainingState, states: list[TrainingState]
) -> None:
    sizes = [sum(a.nbytes for a in state.arrays.values()) for state in (states[-3], whole)]
    assert sizes[1] < sizes[0] / 4
    (same,) = training().run(whole)
    assert same is whole
    with pytest.raises(TrainingStateError, match="has not ended; go on with --params=resume=true"):
        stage_result(states[5])


def test_a_state_of_another_task_is_refused(states: list[TrainingState]) -> None:
    with pytest.raises(TrainingStateError, match="a training with other seed; .*resume=false"):
        next(training(seed=4).run(states[5]))
    other = make_options(**{**FIELDS, "gamma": 0.5})
    with pytest.raises(TrainingStateError, match="a training with other options"):
        next(training(other).run(states[5]))


def test_the_end_of_another_task_stands_in_nobodys_way(whole: TrainingState) -> None:
    *_, end = training(seed=4).run(whole)
    assert end.facts["seed"] == 4


def test_a_state_that_lacks_something_is_refused(states: list[TrainingState]) -> None:
    state = states[15]
    arrays = dict(state.arrays)
    del arrays["target/output.bias"]
    for spoilt in (
        replace(state, arrays=arrays),
        replace(state, arrays={**state.arrays, "experience/position": np.array([10**6, 0])}),
        replace(state, facts={**state.facts, "part": "nowhere"}),
        replace(state, facts={**state.facts, "generators": []}),
    ):
        with pytest.raises(TrainingStateError, match="does not fit this training"):
            next(training().run(spoilt))


COACHED = make_options(
    budget={"steps": 40},
    warmup_steps=40,
    log_every=300,
    save_every=1,
    coaching={"rounds": 4, "memory": 2, "epochs": 10, "batch_size": 64, "learning_rate": 1e-2},
)


class Coach:
    """Prefers the foot that was not used last, by what the judge thinks of standing still.

    The judge thinks differently after every round.
    """

    def __init__(self, judge: Agent) -> None:
        self.judge = judge

    def rate(self, agent: Agent, rng: np.random.Generator) -> RatedActions:
        observations = np.zeros((200, agent.spec.n_observations), dtype=np.float32)
        gain = 1.0 + abs(float(self.judge.policy().values(observations[:1])[0]))
        self.judge = followed(self.judge)
        last = rng.integers(2, size=200)  # left or right
        observations[np.arange(200), last] = 1.0
        actions = np.argsort(-agent.policy().action_scores(observations), axis=1)
        better = np.where(observations[:, :1] > 0, 2, 1)
        return RatedActions(observations, actions, ((actions == better) * gain).astype("f4"))


def followed(judge: Agent) -> Agent:
    weights = {name: (0.8 * array).astype(array.dtype) for name, array in judge.weights.items()}
    return Agent(judge.spec, weights, judge.card)


def coached_training(
    make_coach: type[Coach] | None = Coach,
    options: StageOptions = COACHED,
    judge: Agent | None = None,
) -> StageTraining:
    games = StageGames(CorridorVecEnv(4), [CorridorVectorEnv(8, autoreset=False)])
    spec = COACHED.agent_spec(INTERFACE, "toy")
    inputs = StageInputs(make_agent(spec, seed=4), None, 3, judge)
    return StageTraining(options, games, spec, inputs, make_coach=make_coach)


@pytest.fixture(scope="module")
def coached_states() -> list[TrainingState]:
    return list(coached_training().run())


def test_the_coached_agent_is_handed_on(coached_states: list[TrainingState]) -> None:
    result = stage_result(coached_states[-1])
    assert result.gate.promoted
    assert result.gate.incoming is not None
    assert result.gate.incoming.finish_rate == 0
    assert result.gate.outgoing.finish_rate == 1
    history = result.history.pivot_table(index="step", columns="metric", values="value")
    coached = history.dropna(subset=["coaching/round"])
    assert coached["coaching/round"].tolist() == [1, 2, 3, 4]
    assert coached.index.tolist() == [40 + 200 * number for number in (1, 2, 3, 4)]
    assert coached["coaching/changed"].iloc[-1] < coached["coaching/changed"].iloc[0]
    assert coached["evaluation/finish_rate"].iloc[-1] == 1


def test_a_state_can_follow_every_round_and_leads_to_the_same_end(
    coached_states: list[TrainingState],
) -> None:
    rounds = [state.facts["rounds"] for state in coached_states[:-1] if "rounds" in state.facts]
    assert rounds == [0, 1, 2, 3, 4]
    assert {"ratings_0/actions", "ratings_1/actions"} <= coached_states[-3].arrays.keys()
    assert "ratings_2/actions" not in coached_states[-3].arrays
    for number in (-7, -6, -5, -4, -3, -2):
        *_, end = coached_training().run(coached_states[number])
        assert_same_end(end, coached_states[-1])


class StoppedCoach(Coach):
    """Is asked to stop in the third round."""

    rated = 0

    def rate(self, agent: Agent, rng: np.random.Generator) -> RatedActions:
        self.rated += 1
        if self.rated == 3:
            stopping._requested.set()
        stopping.stop_if_requested()
        return super().rate(agent, rng)


def test_a_stop_costs_the_round_under_way_and_no_other(coached_states: list[TrainingState]) -> None:
    rarely = COACHED.model_copy(update={"save_every": None, "save_minutes": 60.0})
    states: list[TrainingState] = []
    try:
        with pytest.raises(KeyboardInterrupt):
            states.extend(coached_training(StoppedCoach, rarely).run())
    finally:
        stopping._requested.clear()
    assert states[-1].facts["rounds"] == 2
    *_, end = coached_training(options=rarely).run(states[-1])
    assert stage_result(end).agent.fingerprint == stage_result(coached_states[-1]).agent.fingerprint


def test_a_stage_that_plays_hands_its_judge_on_as_it_is() -> None:
    judge = make_agent(COACHED.agent_spec(INTERFACE, "toy"), seed=9)
    *_, end = coached_training(judge=judge).run()
    handed_on = stage_result(end).judge
    assert handed_on is not None
    assert handed_on.fingerprint == judge.fingerprint


@pytest.mark.parametrize(
    ("diverges", "message"),
    [
        ("judge", "a loss of the judge is not finite at step 40; lower coach.judge.learning_rate"),
        ("agent", "weight in coaching is not finite at step 40; lower coaching.learning_rate"),
    ],
)
def test_a_coaching_that_diverges_says_what_to_lower(diverges: str, message: str) -> None:
    class Diverging(Coach):
        def rate(self, agent: Agent, rng: np.random.Generator) -> RatedActions:
            if diverges == "judge":
                raise FloatingPointError("a loss is not finite")
            rated = super().rate(agent, rng)
            return rated._replace(ratings=np.full_like(rated.ratings, np.nan))

    with pytest.raises(TrainingDivergedError, match=message) as raised:
        list(coached_training(Diverging).run())
    assert raised.value.agent is not None


def test_coaching_needs_a_coach() -> None:
    with pytest.raises(ValueError, match="there is no coach"):
        coached_training(make_coach=None)


COACHED_ALONE = COACHED.model_copy(update={"budget": TrainingBudget(steps=0)})


def test_a_stage_without_play_only_learns_from_its_coach() -> None:
    states = list(coached_training(options=COACHED_ALONE).run())
    result = stage_result(states[-1])
    assert result.gate.promoted
    assert result.gate.outgoing.finish_rate == 1.0
    evaluated = result.history[result.history["metric"] == "evaluation/finish_rate"]
    assert evaluated["step"].tolist() == [0, 200, 400, 600, 800]
    assert not result.history["metric"].str.startswith("train/").any()
    for state in states[:-1]:
        *_, end = coached_training(options=COACHED_ALONE).run(state)
        assert_same_end(end, states[-1])


def test_a_coach_without_rounds_leaves_the_agent_as_it_is() -> None:
    coaching = COACHED.model_dump()["coaching"] | {"rounds": 0}
    options = make_options(budget={"steps": 0}, coaching=coaching)
    *_, end = coached_training(options=options).run()
    result = stage_result(end)
    assert not result.gate.promoted
    assert (
        result.agent.fingerprint
        == make_agent(COACHED.agent_spec(INTERFACE, "toy"), seed=4).fingerprint
    )


@pytest.mark.parametrize("changes", [{"coaching": None}, {"pretraining_steps": 5}])
def test_a_stage_without_play_needs_a_coach_and_no_pretraining(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="it needs coaching and takes no pretraining_steps"):
        StageOptions.model_validate(
            {**COACHED_ALONE.model_dump(), "demonstration_share": 0.5, **changes}
        )


def test_coaching_alone_needs_an_agent() -> None:
    games = StageGames(CorridorVecEnv(4), [CorridorVectorEnv(8, autoreset=False)])
    spec = COACHED.agent_spec(INTERFACE, "toy")
    with pytest.raises(ValueError, match="needs an incoming agent"):
        StageTraining(COACHED_ALONE, games, spec, StageInputs(None, None, 3), make_coach=Coach)


def test_a_coach_rates_by_the_values_of_the_judge() -> None:
    judge = make_agent(COACHED.agent_spec(INTERFACE, "toy"), seed=9)
    judged: list[str] = []

    class Noting(Coach):
        def __init__(self, judge: Agent) -> None:
            super().__init__(judge)
            judged.append(judge.fingerprint)

    states = list(coached_training(Noting, COACHED_ALONE, judge).run())
    assert judged == [judge.fingerprint]
    now = judge
    for state in states[:3]:
        now = followed(now)
        *_, end = coached_training(Noting, COACHED_ALONE, judge).run(state)
        assert judged[-1] == now.fingerprint
        assert_same_end(end, states[-1])
    # The next stage's coach goes on with the judge that has followed for all four rounds.
    now = followed(now)
    *_, end = coached_training(Noting, COACHED_ALONE, judge).run(states[-2])  # before the gate
    for last in (end, states[-1]):
        handed_on = stage_result(last).judge
        assert handed_on is not None
        assert handed_on.fingerprint == now.fingerprint
    other = make_agent(judge.spec, seed=10)
    with pytest.raises(TrainingStateError, match="other judging agent"):
        next(coached_training(Noting, COACHED_ALONE, other).run(states[1]))
