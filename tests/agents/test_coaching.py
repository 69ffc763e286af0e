"""Learning from a coach: prefers what led farther, and no more than it is told."""

import numpy as np
import pytest
import torch

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.coaching import (
    CoachedLearner,
    CoachingOptions,
    Observations,
    RatedActions,
    improvement_losses,
    learn_from_coach,
)
from tests.agents.conftest import draw, make_agent, make_ppo_spec, make_spec

OPTIONS = CoachingOptions(rounds=1, epochs=20, batch_size=64, learning_rate=1e-2, kl_weight=0.0)


def rated(agent: Agent, best: int, n: int = 256) -> RatedActions:
    """Ratings by which one action leads a metre farther than the others, everywhere."""
    shape = (n, agent.spec.n_observations)
    observations = np.random.default_rng(5).standard_normal(shape, dtype=np.float32)
    actions = np.argsort(-agent.policy().action_scores(observations), axis=1)
    return RatedActions(observations, actions, (actions == best).astype(np.float32))


def test_the_loss_is_what_its_formula_says() -> None:
    scores = torch.tensor([[1.0, 0.0, -1.0]], dtype=torch.float64)
    before = torch.log(torch.tensor([[0.2, 0.3, 0.5]], dtype=torch.float64))
    options = OPTIONS.model_copy(update={"kl_weight": 0.5})
    loss = improvement_losses(
        scores,
        before,
        torch.tensor([[2, 0]]),
        torch.tensor([[0.4, -0.4]], dtype=torch.float64),
        options,
    )
    policy = np.exp([1.0, 0.0, -1.0]) / np.exp([1.0, 0.0, -1.0]).sum()
    gain = 0.4 * policy[2] - 0.4 * policy[0]
    old = np.array([0.2, 0.3, 0.5])
    divergence = (old * np.log(old / policy)).sum()
    assert loss.item() == pytest.approx(0.5 * divergence - gain, rel=1e-12)


def test_its_gradient_is_that_of_the_expected_gain() -> None:
    scores = draw(4, 3).requires_grad_()
    actions = torch.tensor([[0, 1, 2]]).expand(4, 3)
    advantages = draw(4, 3, seed=1)
    improvement_losses(scores, scores.detach(), actions, advantages, OPTIONS).sum().backward()  # type: ignore[no-untyped-call]
    policy = torch.softmax(scores.detach(), dim=1)
    expected = policy * ((policy * advantages).sum(dim=1, keepdim=True) - advantages)
    torch.testing.assert_close(scores.grad, expected)


@pytest.mark.parametrize("make", [make_spec, make_ppo_spec])
def test_the_agent_comes_to_prefer_what_led_farther(make: object) -> None:
    agent = make_agent(make())  # type: ignore[operator]
    ratings = rated(agent, best=1)
    assert ratings.changed > 0.1
    learnt, metrics = learn_from_coach(agent, [ratings], OPTIONS, np.random.default_rng(0))
    assert (learnt.policy().act(ratings.observations) == 1).mean() > 0.95
    assert metrics["loss"] < -0.3


def test_a_strong_pull_keeps_the_policy() -> None:
    agent = make_agent(make_spec())
    ratings = rated(agent, best=1)
    options = OPTIONS.model_copy(update={"kl_weight": 1e3})
    learnt, _ = learn_from_coach(agent, [ratings], options, np.random.default_rng(0))
    before, after = (one.policy().act(ratings.observations) for one in (agent, learnt))
    assert (before == after).mean() > 0.95


def test_ratings_beyond_the_limit_count_as_the_limit() -> None:
    agent = make_agent(make_spec())
    ratings = rated(agent, best=1)
    far = ratings._replace(ratings=1e6 * ratings.ratings)
    capped = OPTIONS.model_copy(update={"limit": 0.5})
    one, other = (
        learn_from_coach(agent, [given], capped, np.random.default_rng(0))[0]
        for given in (far, far._replace(ratings=10.0 * far.ratings))
    )
    assert one.fingerprint == other.fingerprint


def test_a_loss_that_is_not_finite_is_an_error() -> None:
    agent = make_agent(make_spec())
    ratings = rated(agent, best=1)
    ratings.ratings[3, 0] = np.nan
    with pytest.raises(FloatingPointError, match="finite"):
        learn_from_coach(agent, [ratings], OPTIONS, np.random.default_rng(0))


def test_observations_of_several_rounds_read_as_one_array() -> None:
    rng = np.random.default_rng(3)
    parts = [rng.normal(size=(n, 3)).astype(np.float32) for n in (5, 2, 7)]
    observations, whole = Observations(parts), np.concatenate(parts)
    assert len(observations) == len(whole)
    rows = rng.permutation(len(whole))
    np.testing.assert_array_equal(observations.take(rows), whole[rows])
    np.testing.assert_array_equal(observations.take(np.array([4, 5, 6, 7])), whole[4:8])


def test_rounds_teach_what_their_concatenation_teaches() -> None:
    agent = make_agent(make_spec())
    ratings = rated(agent, best=1)
    cuts = slice(90), slice(90, None)
    halves = [
        RatedActions(ratings.observations[cut], ratings.actions[cut], ratings.ratings[cut])
        for cut in cuts
    ]
    whole, _ = learn_from_coach(agent, [ratings], OPTIONS, np.random.default_rng(0))
    parts, _ = learn_from_coach(agent, halves, OPTIONS, np.random.default_rng(0))
    assert parts.fingerprint == whole.fingerprint


class PreferringCoach:
    """Prefers action 1, everywhere; notes whom it was asked to rate."""

    def __init__(self, judge: Agent) -> None:
        self.judge, self.asked = judge, list[Agent]()

    def rate(self, agent: Agent, rng: np.random.Generator) -> RatedActions:
        self.asked.append(agent)
        return rated(agent, best=1)


def test_the_newest_agent_plays_and_the_mean_of_the_latest_two_is_handed_out() -> None:
    first = make_agent(make_spec())
    coach = PreferringCoach(first)
    learner = CoachedLearner(first, first, lambda judge: coach, OPTIONS, seed=1, first_step=0)
    assert learner.agent().fingerprint == first.fingerprint
    means = []
    for _ in range(3):
        learner.iterate()
        means.append(learner.agent().weights)
    newest = coach.asked
    assert newest[0] is first
    for earlier, later, mean in zip(newest, newest[1:], means, strict=False):
        assert earlier.fingerprint != later.fingerprint
        for name, weights in mean.items():
            halfway = (earlier.weights[name].astype(np.float64) + later.weights[name]) / 2
            np.testing.assert_allclose(weights, halfway, rtol=1e-6)
