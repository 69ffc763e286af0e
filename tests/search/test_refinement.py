"""Rounds of refinement on a toy budget: never worse, repeatable, discounts respected."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from qwop_wr.agents.agent import Agent
from qwop_wr.compute import ComputeOptions
from qwop_wr.metric_sink import MetricSink, silent_sink
from qwop_wr.search import SearchOptions, refinement
from qwop_wr.search.lookahead import LookaheadOptions, PoolOptions
from qwop_wr.search.options import RoundBudget
from qwop_wr.search.refinement import (
    GuideRefinement,
    RefinementOptions,
    RefinementStep,
    deciding_every,
    mean_time,
    refinement_rounds,
    value_gamma,
)
from tests.search.agents import ENV, make_agent

OPTIONS = RefinementOptions(
    budget=RoundBudget(rounds=3),
    iterations=8,
    decisions=8,
    batch_size=64,
    learning_rate=0.02,
    gamma=0.99,
    trace=0.9,
    pool=PoolOptions(size=100, searches=1, search=SearchOptions(width=4, max_ticks=80, cell=0.2)),
    runs=LookaheadOptions(n_runs=16),
    gate_searches=2,
    gate=SearchOptions(width=8, max_ticks=160, sink_height=3.0, cell=0.2),
    handed_on=2,
)


BEAMS = OPTIONS.model_copy(update={"runs": LookaheadOptions(n_runs=4, width=4)})


def refine(
    seed: int = 0, options_of_rounds: RefinementOptions = OPTIONS, **card: Any
) -> list[RefinementStep]:
    agent = make_agent(1).with_card(**card)
    refinement = GuideRefinement(ENV, options_of_rounds, seed)
    return list(refinement.run([agent], compute=ComputeOptions(workers=1)))


def test_no_round_makes_it_worse() -> None:
    steps = refine()
    assert [step.round for step in steps] == [0, 1, 2, 3]
    best = [step.best_mean_time for step in steps]
    assert best == sorted(best, reverse=True)
    for before, step in pairwise(steps):
        assert step.promoted == (step.mean_time < before.best_mean_time)
        if not step.promoted:
            assert step.guides == before.guides
        assert step.mean_time == mean_time(step.results)
    assert any(step.promoted for step in steps[1:])


def test_small_beams_refine_too() -> None:
    steps = refine(options_of_rounds=BEAMS)
    assert [step.round for step in steps] == [0, 1, 2, 3]
    assert any(step.promoted for step in steps[1:])


def test_guides_are_widened_in_their_first_round() -> None:
    options = OPTIONS.model_copy(update={"net_arch": (12,), "budget": RoundBudget(rounds=1)})
    steps = refine(options_of_rounds=options)
    assert steps[0].guides[0].spec.net_arch == (8,)
    fresh = GuideRefinement(ENV, options, 0)._refit(make_agent(1), 1, silent_sink)
    assert fresh.spec.net_arch == (12,)


def test_several_rollouts_are_fitted_to() -> None:
    options = OPTIONS.model_copy(update={"replay": 3})
    newest = refine(options_of_rounds=options)[-1].guides[0]
    assert newest.fingerprint != refine()[-1].guides[0].fingerprint


def test_refined_guides_know_their_discount_and_rounds() -> None:
    newest = next(step for step in reversed(refine()) if step.promoted).guides[0]
    assert value_gamma(newest) == OPTIONS.gamma
    assert refinement_rounds(newest) >= 1


def test_the_first_agent_is_left_out_of_the_average() -> None:
    for step in refine(options={"gamma": 0.9975})[1:]:
        gammas = {value_gamma(guide) for guide in step.guides}
        assert len(gammas) == 1
        assert len(step.guides) <= OPTIONS.handed_on


@pytest.mark.parametrize("options", [OPTIONS, BEAMS])
def test_same_seed_same_guides(options: RefinementOptions) -> None:
    one, two = refine(options_of_rounds=options), refine(options_of_rounds=options)
    prints = [[guide.fingerprint for guide in steps[-1].guides] for steps in (one, two)]
    assert prints[0] == prints[1]
    assert [step.mean_time for step in one] == [step.mean_time for step in two]


@pytest.mark.parametrize(("patience", "continues"), [(0.1, False), (0.5, True)])
def test_rounds_go_on_from_a_guide_that_is_a_little_slower(
    patience: float, continues: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    refined_from: list[str] = []
    refit = GuideRefinement._refit

    def noting(self: GuideRefinement, agent: Agent, number: int, sink: MetricSink) -> Agent:
        refined_from.append(agent.fingerprint)
        return refit(self, agent, number, sink)

    times = iter([50.0, 50.3, 50.3])
    monkeypatch.setattr(GuideRefinement, "_refit", noting)
    monkeypatch.setattr(refinement, "mean_time", lambda results: next(times))
    options = OPTIONS.model_copy(update={"patience": patience, "budget": RoundBudget(rounds=2)})
    agent = make_agent(1)
    steps = list(GuideRefinement(ENV, options, 0).run([agent], compute=ComputeOptions(workers=1)))
    assert not any(step.promoted for step in steps[1:])
    assert refined_from[0] == agent.fingerprint
    assert (refined_from[1] != agent.fingerprint) == continues
    assert steps[-1].guides == (agent,)


def test_the_former_name_of_an_option() -> None:
    assert RefinementOptions.model_validate({"actor_stretches": 3}).actor_rollouts == 3


def test_discount_of_an_agent() -> None:
    agent = make_agent(1)
    assert np.isnan(value_gamma(agent))
    assert value_gamma(agent, 0.9) == 0.9
    assert value_gamma(agent.with_card(options={"gamma": 0.95})) == 0.95
    assert value_gamma(agent.with_card(options={"gamma": 0.95}, value_gamma=0.8)) == 0.8


def test_a_guide_without_critic() -> None:
    steps = GuideRefinement(ENV, OPTIONS, 0).run(
        [make_agent(1, "qrdqn")], compute=ComputeOptions(workers=1)
    )
    next(steps)
    with pytest.raises(ValueError, match="only a ppo agent"):
        next(steps)


def test_an_agent_for_other_decisions_keeps_its_weights_and_looks_as_far_ahead() -> None:
    agent = make_agent(1).with_card(value_gamma=0.81, stage="guide")
    before = agent.spec.ticks_per_action
    slower, faster = deciding_every(agent, 2 * before), deciding_every(agent, before)
    assert slower.spec.ticks_per_action == 2 * before
    assert value_gamma(slower) == pytest.approx(0.81**2)
    assert slower.card["stage"] == "guide"
    assert all(np.array_equal(slower.weights[name], agent.weights[name]) for name in agent.weights)
    assert faster is agent
    assert value_gamma(deciding_every(slower, before)) == pytest.approx(0.81)


def test_an_agent_without_a_discount_needs_none_for_other_decisions() -> None:
    agent = Agent(make_agent(1).spec, make_agent(1).weights)
    other = deciding_every(agent, 7)
    assert (other.spec.ticks_per_action, dict(other.card)) == (7, {})
