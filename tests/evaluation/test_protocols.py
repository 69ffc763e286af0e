import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.rollout import play_episodes
from qwop_wr.compute import ComputeOptions
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv
from qwop_wr.evaluation import protocols
from qwop_wr.evaluation.episodes import COLUMNS, farthest_run
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.protocols import (
    Evaluation,
    evaluate_agent,
    evaluate_without_noise,
    randomised_options,
)
from qwop_wr.evaluation.trajectory import tape_trajectory
from qwop_wr.simulator.keys import O, P, Q, W
from qwop_wr.simulator.tape import Tape, verify_tape
from tests.evaluation.players import player

OPTIONS = EvaluationOptions(seeds=20, first_seed=3, sticky=0.1, max_ticks=240)


@pytest.fixture(scope="module")
def evaluation(agent: Agent, game: EnvironmentOptions) -> Evaluation:
    return evaluate_agent(agent, game, OPTIONS)


def test_has_a_row_per_seed(evaluation: Evaluation, agent: Agent) -> None:
    episodes = evaluation.episodes
    assert tuple(episodes.columns) == COLUMNS
    assert episodes["seed"].tolist() == list(range(3, 23))
    assert set(episodes["agent"]) == {agent.fingerprint}
    assert set(episodes["protocol"]) == {"randomised"}
    assert set(episodes["end"]) <= {"fall", "timeout"}
    assert episodes["ticks"].max() < OPTIONS.max_ticks + 4
    assert episodes["idle_ticks"].between(0, 30).all()
    assert episodes["idle_ticks"].nunique() > 3
    assert episodes["trajectory"].nunique() > 3


def test_rows_depend_on_their_seeds_alone(
    evaluation: Evaluation, agent: Agent, game: EnvironmentOptions
) -> None:
    fewer = OPTIONS.model_copy(update={"seeds": 3, "first_seed": 11})
    part = evaluate_agent(agent, game, fewer).episodes
    whole = evaluation.episodes
    expected = whole[whole["seed"].between(11, 13)].reset_index(drop=True)
    pd.testing.assert_frame_equal(part, expected, check_exact=True)


@pytest.mark.slow
def test_rows_and_tapes_are_those_of_processes(
    evaluation: Evaluation, agent: Agent, game: EnvironmentOptions
) -> None:
    if game.engine != "exact":
        pytest.skip("workers take seconds to start, and what they do is the engine's alone")
    compute = ComputeOptions(backend="process", workers=2, seeds_per_chunk=7, short_seconds=0.0)
    elsewhere = evaluate_agent(agent, game, OPTIONS, compute)
    pd.testing.assert_frame_equal(elsewhere.episodes, evaluation.episodes, check_exact=True)
    assert elsewhere.tapes == evaluation.tapes


def test_batches_make_no_difference(
    evaluation: Evaluation, agent: Agent, game: EnvironmentOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocols, "BATCH", 6)
    part = evaluate_agent(agent, game, OPTIONS)
    pd.testing.assert_frame_equal(part.episodes, evaluation.episodes, check_exact=True)
    assert part.tapes == evaluation.tapes


def test_is_repeatable_and_the_seed_matters(
    evaluation: Evaluation, agent: Agent, game: EnvironmentOptions
) -> None:
    again = evaluate_agent(agent, game, OPTIONS)
    pd.testing.assert_frame_equal(again.episodes, evaluation.episodes, check_exact=True)
    assert again.tapes == evaluation.tapes
    others = evaluate_agent(agent, game, OPTIONS.model_copy(update={"first_seed": 900}))
    assert set(others.episodes["trajectory"]) != set(again.episodes["trajectory"])


def test_agrees_with_a_run_played_by_hand(
    evaluation: Evaluation, agent: Agent, game: EnvironmentOptions
) -> None:
    noisy = game.model_copy(update={"idle_ticks": 30, "sticky": 0.1, "max_ticks": 240})
    env = QwopVectorEnv(16, noisy, autoreset=False)
    played = play_episodes(agent.policy(), env, [7] * 16, record_keys=True)
    assert played.keys is not None
    keys, row = played.keys[0], evaluation.episodes.set_index("seed").loc[7]
    presses, held = 0, 0
    for mask in keys.tolist():
        presses += sum(1 for bit in (1, 2, 4, 8) if mask & bit and not held & bit)
        held = mask
    assert row["ticks"] == len(keys) == played.ticks[0]
    assert row["trajectory"] == hashlib.sha256(keys.tobytes()).hexdigest()
    assert row["key_presses_per_second"] == pytest.approx(presses / (len(keys) / 30))
    assert row["distance"] == played.distance[0]
    assert not keys[: row["idle_ticks"]].any()


def test_splits_are_clocks_at_the_marks() -> None:
    game = EnvironmentOptions(engine="box2d", ticks_per_action=2)
    # An even beat that scrapes along on the knees.
    scraper = player(game, [W | O] * 5 + [Q | P] * 4)
    evaluation = evaluate_agent(scraper, game, EvaluationOptions(seeds=3, sticky=0, max_ticks=1200))
    row = evaluation.episodes.to_dict("records")[farthest_run(evaluation.episodes)]
    trajectory = tape_trajectory(evaluation.tapes["farthest"])
    decisions = np.arange(row["idle_ticks"] + 2, len(trajectory.clock), 2)
    assert row["distance"] > 20
    for mark in (10, 20):
        first = decisions[trajectory.distance[decisions] >= mark][0]
        assert row[f"split_{mark}"] == trajectory.clock[first]
        assert trajectory.splits()[mark] == pytest.approx(row[f"split_{mark}"], abs=2 / 30)
    assert all(np.isnan(row[f"split_{mark}"]) for mark in (50, 80, 100))
    assert list(trajectory.splits()) == [10, 20]


class TestFinish:
    """The run of 66.40 s that a published agent makes in the original game."""

    GAME = EnvironmentOptions(engine="exact", platform="node", ticks_per_action=4)

    @pytest.fixture
    def finisher(self) -> Agent:
        keys = Tape.load(Path(__file__).with_name("finish.qwop.json")).per_tick_keys
        return player(self.GAME, keys[:: self.GAME.ticks_per_action].tolist())

    def test_native_time_is_the_known_one(self, finisher: Agent) -> None:
        evaluation = evaluate_without_noise(
            finisher, self.GAME, OPTIONS.model_copy(update={"max_ticks": 3000})
        )
        row = evaluation.episodes.to_dict("records")[0]
        assert (row["finished"], row["end"], row["ticks"]) == (True, "finish", 1991)
        assert row["score_time"] == pytest.approx(66.40)
        splits = tape_trajectory(evaluation.tapes["native"]).splits()
        assert list(splits) == [10, 20, 50, 80, 100]
        assert splits[100] == row["score_time"]
        assert splits[10] == pytest.approx(8.63, abs=0.01)
        assert verify_tape(evaluation.tapes["native"]).finished

    def test_distinct_finishes_become_tapes(self, finisher: Agent) -> None:
        quiet = EvaluationOptions(seeds=5, idle_ticks=0, sticky=0.0, tapes=3)
        evaluation = evaluate_agent(finisher, self.GAME, quiet)
        assert evaluation.episodes["finished"].all()
        assert list(evaluation.tapes) == ["fastest_01"]
        assert evaluation.tapes["fastest_01"].ticks == 1991
        assert evaluation.tapes["fastest_01"].meta["seed"] == quiet.first_seed
        assert not evaluate_agent(finisher, self.GAME, quiet.model_copy(update={"tapes": 0})).tapes

    def test_the_fastest_of_all_chunks_become_tapes(
        self, finisher: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        waiting = EvaluationOptions(seeds=9, idle_ticks=3, sticky=0.0, tapes=2)
        whole = evaluate_agent(finisher, self.GAME, waiting)
        monkeypatch.setattr(protocols, "BATCH", 2)
        parts = evaluate_agent(finisher, self.GAME, waiting)
        assert parts.tapes == whole.tapes
        pd.testing.assert_frame_equal(parts.episodes, whole.episodes, check_exact=True)


def test_without_a_finish_the_farthest_run_is_kept(evaluation: Evaluation) -> None:
    assert list(evaluation.tapes) == ["farthest"]
    tape = evaluation.tapes["farthest"]
    episodes = evaluation.episodes
    assert tape.distance == episodes["distance"].max()
    row = episodes.set_index("seed").loc[tape.meta["seed"]]
    assert tape.ticks == row["ticks"]
    assert tape.meta["agent"] == row["agent"]
    assert hashlib.sha256(tape.per_tick_keys.tobytes()).hexdigest() == row["trajectory"]
    assert verify_tape(tape).score_time == row["score_time"]


def test_native_is_one_run_without_noise(agent: Agent, game: EnvironmentOptions) -> None:
    evaluation = evaluate_without_noise(agent, game, OPTIONS)
    assert len(evaluation.episodes) == 1
    assert evaluation.episodes.loc[0, "protocol"] == "native"
    assert evaluation.episodes.loc[0, "idle_ticks"] == 0
    assert list(evaluation.tapes) == ["native"]
    tape = evaluation.tapes["native"]
    assert verify_tape(tape).distance == evaluation.episodes.loc[0, "distance"]
    other = OPTIONS.model_copy(update={"first_seed": 77, "sticky": 0.5})
    assert evaluate_without_noise(agent, game, other).tapes["native"].keys == tape.keys


def test_without_noise_all_seeds_run_the_same(agent: Agent, game: EnvironmentOptions) -> None:
    quiet = OPTIONS.model_copy(update={"seeds": 5, "idle_ticks": 0, "sticky": 0.0})
    episodes = evaluate_agent(agent, game, quiet).episodes
    native = evaluate_without_noise(agent, game, quiet).episodes
    assert episodes["trajectory"].nunique() == 1
    assert set(episodes["trajectory"]) == set(native["trajectory"])


def test_learning_rules_do_not_end_a_run(
    evaluation: Evaluation, agent: Agent, game: EnvironmentOptions
) -> None:
    strict = game.model_copy(update={"sink_height": -0.9, "idle_ticks": 5, "sticky": 0.9})
    episodes = evaluate_agent(agent, strict, OPTIONS).episodes
    pd.testing.assert_frame_equal(episodes, evaluation.episodes, check_exact=True)


def test_refuses_an_agent_made_for_something_else(agent: Agent, game: EnvironmentOptions) -> None:
    with pytest.raises(ValueError, match="ticks_per_action"):
        evaluate_agent(agent, game.model_copy(update={"ticks_per_action": 2}), OPTIONS)
    full = game.model_copy(update={"actions": "full"})
    with pytest.raises(ValueError, match="actions"):
        evaluate_without_noise(agent, full, OPTIONS)


def test_weights_matter(evaluation: Evaluation, agent: Agent, game: EnvironmentOptions) -> None:
    weights = {name: -np.asarray(array) for name, array in agent.weights.items()}
    episodes = evaluate_agent(replace(agent, weights=weights), game, OPTIONS).episodes
    assert episodes.loc[0, "agent"] != agent.fingerprint
    assert set(episodes["trajectory"]) != set(evaluation.episodes["trajectory"])


@pytest.mark.parametrize(
    ("name", "value"),
    [("seeds", 0), ("sticky", 1.0), ("idle_ticks", -1), ("confidence_level", 1.0), ("sedes", 5)],
)
def test_options_are_checked(name: str, value: float) -> None:
    with pytest.raises(ValidationError, match=name):
        EvaluationOptions.model_validate({name: value})


def test_what_learners_are_paid_beside_the_reward_is_no_part_of_an_evaluation() -> None:
    paid = EnvironmentOptions.model_validate(
        {
            "velocity": {},
            "shaping": {"terms": {"calm": {"term": "energy", "weight": 0.01}}},
            "sink_height": 1.3,
        }
    )
    noisy = randomised_options(paid, OPTIONS)
    assert (noisy.velocity, noisy.shaping, noisy.sink_height) == (None, None, None)
