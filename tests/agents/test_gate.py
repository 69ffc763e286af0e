from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.gate import (
    AgentScore,
    PairedGain,
    count_falls,
    outcomes,
    paired_gain,
    pass_gate,
    run_costs,
    score_agent,
    score_episodes,
)
from qwop_wr.agents.rollout import Episodes
from tests.agents.conftest import make_agent, make_ppo_spec
from tests.agents.corridor import CorridorVectorEnv

SEEDS = list(range(10))


def stepper(action_if_left: int, action_if_right: int, marker: float = 0.0) -> Agent:
    """An agent with one fixed action per foot used last."""
    agent = make_agent(make_ppo_spec())
    weights = {name: np.zeros_like(array) for name, array in agent.weights.items()}
    weights["actor.linear.0.weight"][0, 0] = weights["actor.linear.0.weight"][1, 1] = 1.0
    weights["actor_output.weight"][action_if_left, 0] = 5.0
    weights["actor_output.weight"][action_if_right, 1] = 5.0
    weights["critic_output.bias"][0] = marker
    return Agent(agent.spec, weights)


WALKER = stepper(2, 1)
FALLER = stepper(1, 1)
WAITER = stepper(0, 0)


def gain_of(candidate: Episodes, incoming: Episodes) -> PairedGain:
    return paired_gain(outcomes(candidate), outcomes(incoming))


def score(rate: float, time: float | None, distance: float) -> AgentScore:
    return AgentScore(rate, time, distance, mean_cost=0.0)


@pytest.mark.parametrize(
    ("own", "other", "improves"),
    [
        (score(0.5, 60.0, 80.0), score(0.5, 60.0, 80.0), False),
        (score(0.6, 60.0, 80.0), score(0.5, 60.0, 80.0), True),
        (score(0.5, 59.0, 80.0), score(0.5, 60.0, 80.0), True),
        (score(0.5, 60.0, 81.0), score(0.5, 60.0, 80.0), True),
        (score(0.9, 61.0, 99.0), score(0.5, 60.0, 80.0), False),
        (score(0.4, 50.0, 99.0), score(0.5, 60.0, 80.0), False),
        (score(0.6, 50.0, 79.0), score(0.5, 60.0, 80.0), False),
        (score(0.1, 90.0, 60.0), score(0.0, None, 50.0), True),
        (score(0.0, None, 60.0), score(0.0, None, 50.0), True),
        (score(0.0, None, 99.0), score(0.1, 90.0, 50.0), False),
    ],
)
def test_only_a_gain_without_any_loss_is_an_improvement(
    own: AgentScore, other: AgentScore, improves: bool
) -> None:
    assert own.improves_on(other) is improves


def test_an_unfinished_run_costs_a_second_for_every_metre_missing() -> None:
    costs = run_costs(
        [True, False, False, False], [50.0, 50.0, 9.0, 9.0], [101.0, 100.5, 99.0, -2.0]
    )
    assert costs.tolist() == [50.0, 100.0, 101.0, 202.0]


def test_a_score_sums_up_the_episodes(evaluation_games: list[CorridorVectorEnv]) -> None:
    idle = np.array([np.random.default_rng(seed).integers(4) for seed in SEEDS])
    walk = score_agent(WALKER, evaluation_games, SEEDS)
    assert walk.finish_rate == 1.0
    assert walk.mean_distance == 20.0
    assert walk.median_time == pytest.approx(np.median((idle + 41) / 30.0))
    assert walk.mean_cost == pytest.approx(np.mean((idle + 41) / 30.0))
    wait = score_agent(WAITER, evaluation_games, SEEDS)
    falls = {"0 to 15 m": len(SEEDS)}
    assert wait == AgentScore(0.0, None, 0.0, mean_cost=200.0, falls=falls)
    assert wait.metrics() == {"finish_rate": 0.0, "mean_distance": 0.0, "mean_cost": 200.0}


def test_without_an_incoming_agent_the_candidate_passes(
    evaluation_games: list[CorridorVectorEnv],
) -> None:
    agent, report = pass_gate(None, [FALLER], evaluation_games, SEEDS)
    assert agent is FALLER
    assert report.promoted
    assert report.incoming is None
    assert report.n_starts == 10


def test_a_better_candidate_replaces_the_incoming_agent(
    evaluation_games: list[CorridorVectorEnv],
) -> None:
    agent, report = pass_gate(WAITER, [WALKER], evaluation_games, SEEDS)
    assert agent is WALKER
    assert report.promoted
    assert report.incoming == score_agent(WAITER, evaluation_games, SEEDS)
    assert report.outgoing == score_agent(WALKER, evaluation_games, SEEDS)


@pytest.mark.parametrize("candidate", [FALLER, stepper(2, 1, marker=1.0), WALKER])
def test_a_worse_or_equal_candidate_does_not(
    candidate: Agent, evaluation_games: list[CorridorVectorEnv]
) -> None:
    agent, report = pass_gate(WALKER, [candidate], evaluation_games, SEEDS)
    assert agent is WALKER
    assert not report.promoted


def episodes(finished: list[bool], times: list[float], time_limit: float | None = None) -> Episodes:
    n = len(finished)
    zeros = np.zeros(n, dtype=np.int64)
    return Episodes(
        seeds=np.arange(n),
        finished=np.array(finished),
        fallen=~np.array(finished),
        distance=np.where(finished, 100.0, 50.0),
        ticks=zeros,
        score_time=np.array(times),
        total_reward=np.zeros(n),
        length=zeros,
        idle_ticks=zeros,
        time_limit=time_limit,
    )


def test_falls_are_counted_by_the_stretch_that_they_end_in() -> None:
    falls = count_falls([-1.0, 3.0, 15.0, 47.9, 50.0, 99.9, 100.9])
    assert falls == {"0 to 15 m": 2, "15 to 48 m": 2, "48 to 65 m": 1, "90 to 101 m": 2}
    score = score_episodes(episodes([True, False, True, False], [40.0] * 4))
    assert score.falls == {"48 to 65 m": 2}
    assert "falls" not in score.metrics()


def test_every_finish_costs_less_than_a_run_that_failed_whatever_the_time_limit() -> None:
    slow = episodes([True] * 20, [150.0] * 20, time_limit=200.0)
    fallen = episodes([False] * 20, [90.0] * 20, time_limit=200.0)
    late = replace(fallen, distance=np.full(20, 99.0))
    assert score_episodes(slow).mean_cost == 150.0
    assert score_episodes(late).mean_cost == 201.0
    assert gain_of(slow, late).cost_p < 0.01
    # The games themselves tell the limit; 100 s are the least.
    games = [CorridorVectorEnv(4, autoreset=False, max_ticks=6000)]
    fall = stepper(1, 2)
    assert score_agent(fall, games, SEEDS).mean_cost == pytest.approx(
        300.0 - score_agent(fall, games, SEEDS).mean_distance
    )


def test_the_gain_in_finishes_is_mcnemars_exact_test() -> None:
    # Nine starts that only the candidate finished, one that only the other did.
    before = episodes([False] * 9 + [True] + [True] * 5, [40.0] * 15)
    after = episodes([True] * 9 + [False] + [True] * 5, [40.0] * 15)
    # P(at least 9 heads of 10) = 11 / 1024.
    assert gain_of(after, before).finish_p == pytest.approx(11 / 1024)
    assert gain_of(before, after).finish_p == pytest.approx(1 - 1 / 1024)


def test_the_gain_in_costs_follows_the_signed_ranks() -> None:
    rng = np.random.default_rng(0)
    times = 45.0 + rng.normal(size=200)
    faster = times - 0.1 + 0.3 * rng.normal(size=200)
    before, after = (episodes([True] * 200, list(t)) for t in (times, faster))
    gain, loss = gain_of(after, before), gain_of(before, after)
    expected = stats.wilcoxon(times - faster, alternative="greater", method="approx").pvalue
    assert gain.cost_p == pytest.approx(expected)
    assert gain.cost_p < 0.01
    assert loss.cost_p > 0.99
    assert gain.finish_p == 1.0


def test_equal_episodes_show_no_gain() -> None:
    same = episodes([True, False], [40.0, 20.0])
    assert gain_of(same, same) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("own", "other", "loses_nothing"),
    [
        (score(0.5, 60.0, 80.0), score(0.5, 60.0, 80.0), True),
        (score(0.6, 59.0, 70.0), score(0.5, 60.0, 80.0), True),
        (score(0.6, 60.1, 90.0), score(0.5, 60.0, 80.0), False),
        (score(0.4, 50.0, 90.0), score(0.5, 60.0, 80.0), False),
        (score(0.0, None, 60.0), score(0.0, None, 50.0), True),
        (score(0.0, None, 40.0), score(0.0, None, 50.0), False),
        (score(0.0, None, 99.0), score(0.1, 90.0, 50.0), False),
    ],
)
def test_losing_nothing_is_about_success_and_speed(
    own: AgentScore, other: AgentScore, loses_nothing: bool
) -> None:
    assert own.loses_nothing_to(other) is loses_nothing


def test_what_chance_explains_does_not_pass(evaluation_games: list[CorridorVectorEnv]) -> None:
    # Better on both of two starts: chance does that once in four times.
    agent, report = pass_gate(WAITER, [WALKER], evaluation_games, SEEDS[:2])
    assert agent is WAITER
    assert report.outgoing.finish_rate == 1.0
    assert report.finish_p == 0.25
    assert not report.promoted


def test_of_several_the_best_on_other_starts_alone_is_tested(
    evaluation_games: list[CorridorVectorEnv],
) -> None:
    slow, others = stepper(0, 1), list(range(100, 110))
    agent, report = pass_gate(WAITER, [FALLER, slow, WALKER], evaluation_games, SEEDS, others)
    assert agent is WALKER
    assert report.n_candidates == 3
    _, alone = pass_gate(WAITER, [WALKER], evaluation_games, SEEDS)
    assert (report.finish_p, report.cost_p) == (alone.finish_p, alone.cost_p)
    # Of six starts, all better: 1 in 64 by chance. Three candidates do not make it worse.
    agent, report = pass_gate(WAITER, [FALLER, slow, WALKER], evaluation_games, SEEDS[:6], others)
    assert agent is WALKER
    assert report.finish_p == 1 / 64
    agent, report = pass_gate(WALKER, [FALLER, WAITER], evaluation_games, SEEDS, others)
    assert agent is WALKER
    assert not report.promoted
    assert report.outgoing == min(
        (score_agent(one, evaluation_games, SEEDS) for one in (FALLER, WAITER)),
        key=lambda one: one.mean_cost,
    )


def test_the_choice_counts_earlier_scores_as_much_as_new_ones(
    evaluation_games: list[CorridorVectorEnv],
) -> None:
    other = stepper(2, 1, marker=1.0)  # runs like the walker
    walked = score_agent(WALKER, evaluation_games, SEEDS)
    worse = replace(walked, mean_cost=walked.mean_cost + 1.0)
    earlier = {WALKER.fingerprint: worse, other.fingerprint: walked}
    for candidates in ([WALKER, other], [other, WALKER]):
        agent, report = pass_gate(WAITER, candidates, evaluation_games, SEEDS, SEEDS, earlier)
        assert agent is other
        # The gate counts its own starts alone.
        assert report.outgoing == walked
    faster = score(0.5, 40.0, 80.0).averaged(score(1.0, 41.0, 100.0))
    assert faster == score(0.75, 40.5, 90.0)
    assert score(0.0, None, 3.0).averaged(score(0.5, 50.0, 5.0)) == score(0.25, 50.0, 4.0)


def test_several_candidates_need_starts_to_be_chosen_on(
    evaluation_games: list[CorridorVectorEnv],
) -> None:
    with pytest.raises(ValueError, match="selection_seeds"):
        pass_gate(WAITER, [FALLER, WALKER], evaluation_games, SEEDS)
