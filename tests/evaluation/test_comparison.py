"""Two agents on the same seeds, and who is champion."""

import json
from collections.abc import Sequence
from math import comb

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qwop_wr.agents.agent import Agent
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.evaluation.comparison import Championship, Comparison, challenge, compare_agents
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.protocols import evaluate_agent
from tests.evaluation.players import random_agent
from tests.evaluation.tables import episode_table

Times = Sequence[float | None]


def compare(ours: Times, theirs: Times) -> Comparison:
    challenger = episode_table(ours).assign(agent="c" * 64)
    return compare_agents(challenger, episode_table(theirs), np.random.default_rng(1))


def test_counts_seeds_not_totals() -> None:
    comparison = compare([45.0, 46.0, None, 47.0, 50.0], [46.0, 45.0, None, None, 52.0])
    # The two falls of the third seed got equally far.
    assert (comparison.seeds, comparison.wins, comparison.losses) == (5, 3, 1)
    assert comparison.finish_rates == (0.8, 0.6)
    assert comparison.both_finished == 3
    assert comparison.faster_by.value == 1.0
    # A fall at 30 m costs 170 s.
    assert comparison.saved_seconds.value == pytest.approx((1 - 1 + 0 + 123 + 2) / 5)
    assert (comparison.challenger, comparison.opponent) == ("c" * 64, "a" * 64)


def test_a_clear_lead_is_better_and_its_mirror_worse() -> None:
    rng = np.random.default_rng(4)
    slow = [float(time) for time in rng.normal(50, 2, size=60)]
    fast = [
        time - 1.0 + float(noise) for time, noise in zip(slow, rng.normal(0, 1, 60), strict=True)
    ]
    lead, lag = compare(fast, slow), compare(slow, fast)
    assert (lead.verdict, lag.verdict) == ("better", "worse")
    assert lead.faster_by.value == pytest.approx(-(lag.faster_by.value or 0))
    assert lead.faster_by_p is not None
    assert lead.faster_by_p < 1e-6
    # Unpaired, the spread of 2 s hides the second.
    assert stats.ks_2samp(fast, slow).pvalue > 1e-6


def test_pairing_sees_what_the_starts_hide() -> None:
    rng = np.random.default_rng(5)
    theirs = [float(time) for time in rng.normal(50, 8, size=40)]
    comparison = compare([time - 0.2 for time in theirs], theirs)
    assert comparison.verdict == "better"
    assert comparison.saved_seconds.low == pytest.approx(0.2)
    assert stats.ttest_ind([time - 0.2 for time in theirs], theirs).pvalue > 0.5


def test_falls_outweigh_speed() -> None:
    times: Times = [48.0] * 40
    reckless: Times = [47.0] * 30 + [None] * 10
    assert compare(reckless, times).verdict == "worse"


def test_a_fall_more_or_less_does_not_hide_what_all_other_runs_gain() -> None:
    rng = np.random.default_rng(6)
    theirs: Times = [*(float(time) for time in rng.normal(43.3, 1, 490)), *[None] * 7, *[43.3] * 3]
    ours: Times = [*(time - 0.25 for time in theirs[:490] if time), *[43.0] * 7, *[None] * 3]
    comparison = compare(ours, theirs)
    # A hundred seconds for every fall: the mean alone shows nothing.
    mean, low, _ = comparison.saved_seconds
    assert mean is not None
    assert low is not None
    assert low < 0 < mean
    assert comparison.verdict == "better"


def test_luck_alone_rarely_wins() -> None:
    rng = np.random.default_rng(7)
    verdicts = []
    for _ in range(200):
        times, falls = rng.normal(43, 1, size=(2, 80)), rng.random((2, 80)) < 0.03
        ours, theirs = np.where(falls, np.nan, times).tolist()
        sides = [[None if np.isnan(time) else time for time in side] for side in (ours, theirs)]
        verdicts.append(compare(*sides).verdict)
    # One in twenty at most, either way; 18 of 200 would be a chance of 1 %.
    assert len(verdicts) - verdicts.count("no difference shown") < 18


def test_a_late_finish_costs_less_than_a_fall_if_the_time_limit_is_later() -> None:
    ours, theirs = episode_table([150.0] * 20), episode_table([None] * 20)
    generator = np.random.default_rng(1)
    late = compare_agents(ours.assign(agent="c" * 64), theirs, generator, time_limit=200.0)
    assert late.verdict == "better"
    # A fall at 30 m costs the limit and 70 s.
    assert late.saved_seconds.value == pytest.approx(120.0)


@pytest.mark.parametrize("times", [[50.0, None, 47.0], [None], [50.0], [None, None]])
def test_an_agent_is_no_better_than_itself(times: Times) -> None:
    comparison = compare(times, times)
    assert comparison.verdict == "no difference shown"
    assert (comparison.wins, comparison.losses) == (0, 0)
    assert comparison.faster_by_p is None
    assert comparison.finish_rate_p == 1.0
    assert json.loads(json.dumps(comparison.to_json(), allow_nan=False))["seeds"] == len(times)


def test_one_seed_shows_nothing() -> None:
    comparison = compare([40.0], [60.0])
    assert comparison.verdict == "no difference shown"
    assert comparison.saved_seconds == (20.0, None, None)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 25), st.integers(0, 25), st.integers(0, 9))
def test_finish_rates_are_tested_by_mcnemars_formula(we: int, they: int, both: int) -> None:
    if we + they + both == 0:
        return
    ours: Times = [50.0] * we + [None] * they + [50.0] * both
    theirs: Times = [None] * we + [50.0] * they + [50.0] * both
    n, k = we + they, min(we, they)
    exact = min(1.0, 2 * sum(comb(n, i) for i in range(k + 1)) / 2**n)
    if we == they:
        exact = 1.0
    challenger = episode_table(ours).assign(agent="c")
    comparison = compare_agents(
        challenger, episode_table(theirs), np.random.default_rng(0), n_resamples=100
    )
    assert comparison.finish_rate_p == pytest.approx(exact)


def test_signed_ranks_agree_with_counting_all_signs() -> None:
    # Six distinct positive differences: the least likely of 64 sign patterns, both tails.
    ours: Times = [44.9, 44.7, 44.4, 44.0, 43.3, 42.0]
    comparison = compare(ours, [45.0] * 6)
    assert comparison.faster_by_p == pytest.approx(2 / 64)


def test_rows_are_paired_by_seed_whatever_their_order() -> None:
    ours, theirs = episode_table([45.0, 50.0, None]), episode_table([46.0, None, 47.0])
    rng = np.random.default_rng
    straight = compare_agents(ours, theirs, rng(1))
    assert compare_agents(ours, theirs.iloc[::-1], rng(1)) == straight


def test_what_cannot_be_paired_is_refused() -> None:
    one = episode_table([50.0, 51.0])

    def refused(other: pd.DataFrame, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            compare_agents(one, other, np.random.default_rng(0))

    refused(one.assign(seed=[0, 7]), "ran seed 1")
    refused(one.iloc[:0], "rows of one agent")
    refused(one.assign(seed=[1, 1]), "at most one per seed")
    refused(one.assign(agent=["a", "b"]), "rows of one agent")
    refused(one.assign(idle_ticks=[0, 9]), "seed 1 did not start alike")


OPTIONS = EvaluationOptions(seeds=24, max_ticks=240, bootstrap_resamples=200)
GAME = EnvironmentOptions(engine="exact", ticks_per_action=4)


@pytest.fixture(scope="module")
def ranked() -> tuple[Agent, Agent]:
    """Two random agents, the one that gets farther first."""
    agents = [random_agent(GAME, seed) for seed in range(6)]
    agents.sort(key=lambda agent: rows(agent)["distance"].mean())
    return agents[-1], agents[0]


def rows(agent: Agent) -> pd.DataFrame:
    return evaluate_agent(agent, GAME, OPTIONS).episodes


def compete(challenger: Agent, **opponents: Agent) -> Championship:
    return challenge(challenger, rows(challenger), opponents, GAME, OPTIONS, seed=1)


def test_the_better_one_is_crowned_and_says_whom_it_beat(ranked: tuple[Agent, Agent]) -> None:
    good, bad = ranked
    outcome = compete(good, champion=bad)
    assert outcome.crowned
    assert outcome.champion.fingerprint == good.fingerprint
    assert outcome.champion.card["defeated"] == [bad.fingerprint]
    assert json.loads(json.dumps(outcome.to_json(), allow_nan=False))["crowned"] is True


def test_the_champion_stays_unless_it_is_beaten(ranked: tuple[Agent, Agent]) -> None:
    good, bad = ranked
    for challenger, champion in ((bad, good), (good, good)):
        outcome = compete(challenger, champion=champion, expert=bad)
        assert not outcome.crowned
        assert outcome.champion is champion
    # Being better than the expert alone is not enough.
    assert compete(good, champion=good, expert=bad).comparisons["expert"].verdict == "better"


def test_without_a_champion_anyone_is(ranked: tuple[Agent, Agent]) -> None:
    outcome = compete(ranked[1])
    assert outcome.crowned
    assert outcome.comparisons == {}


def test_a_champion_of_another_game_cannot_be_beaten(ranked: tuple[Agent, Agent]) -> None:
    good, bad = ranked
    elsewhere = random_agent(GAME.model_copy(update={"engine": "box2d"}))
    slower = random_agent(GAME.model_copy(update={"ticks_per_action": 2}))
    for champion in (elsewhere, slower):
        outcome = compete(good, champion=champion, expert=bad)
        assert outcome.champion is champion
        assert list(outcome.comparisons) == ["expert"]


def test_rows_of_another_agent_are_refused(ranked: tuple[Agent, Agent]) -> None:
    good, bad = ranked
    with pytest.raises(ValueError, match="another agent"):
        challenge(good, rows(bad), {}, GAME, OPTIONS, seed=1)
