"""Draws by priority: frequencies, weights and bookkeeping."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from qwop_wr.agents.replay.sampling import PrioritisedSampler, PriorityOptions, UniformSampler

ERRORS = np.array([0.5, 2.0, 0.0, 1.0, 4.0], dtype=np.float32)


def make_sampler(alpha: float = 0.6, seed: int = 0) -> PrioritisedSampler:
    """Five of eight places filled, with errors as above and bonuses of 0.1 or 1."""
    sampler = PrioritisedSampler(8, alpha, np.random.default_rng(seed))
    sampler.add(np.arange(5), np.array([0.1, 0.1, 0.1, 1.0, 1.0], dtype=np.float32))
    sampler.update(np.arange(5), ERRORS)
    sampler.check_valid()
    return sampler


def expected_chances(alpha: float) -> NDArray[np.float64]:
    priorities = (ERRORS + np.array([0.1, 0.1, 0.1, 1.0, 1.0])) ** alpha
    return np.asarray(priorities / priorities.sum(), dtype=np.float64)


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0])
def test_steps_are_drawn_in_proportion_to_their_priorities(alpha: float) -> None:
    sampler = make_sampler(alpha)
    # Single draws are independent; stratified ones are more even than chi-square expects.
    steps = np.concatenate([sampler.draw(1, beta=0.5).steps for _ in range(20_000)])
    counts = np.bincount(steps, minlength=5)
    assert stats.chisquare(counts, 20_000 * expected_chances(alpha)).pvalue > 0.001


def test_stratified_draws_are_more_even_than_independent_ones() -> None:
    steps = make_sampler().draw(1000, beta=0.5).steps
    counts = np.bincount(steps, minlength=5)
    # One draw per stratum: a step gets its share of 1,000 but for the strata at its ends.
    assert np.abs(counts - 1000 * expected_chances(0.6)).max() < 2
    assert (np.diff(steps) >= 0).all()


@pytest.mark.parametrize("beta", [0.0, 0.6, 1.0])
def test_weights_undo_the_bias(beta: float) -> None:
    draw = make_sampler().draw(4096, beta)
    raw = (5 * expected_chances(0.6)) ** -beta
    np.testing.assert_allclose(draw.weights, raw[draw.steps] / raw.max(), rtol=1e-5)
    assert draw.weights.max() == 1.0
    if beta == 1.0:
        # Weighted, every step counts the same.
        totals = np.bincount(draw.steps, weights=draw.weights)
        np.testing.assert_allclose(totals / totals.mean(), 1.0, atol=0.02)


def test_new_steps_have_the_largest_priority_seen() -> None:
    sampler = make_sampler(alpha=1.0)
    sampler.add(np.array([5, 6]), 0.5)
    sampler.check_valid()
    chances = np.bincount(sampler.draw(9000, 0.0).steps, minlength=7) / 9000
    assert chances[5] == pytest.approx(4.5 / (ERRORS.sum() + 2.3 + 9.0), abs=0.001)
    # Overwriting a place makes it new, with another bonus.
    sampler.add(np.array([2]), 1.0)
    chances = np.bincount(sampler.draw(9000, 0.0).steps, minlength=7) / 9000
    assert chances[2] == pytest.approx(5.0 / (ERRORS.sum() + 2.2 + 9.0 + 5.0), abs=0.001)


def test_draws_repeat_with_the_generator_alone() -> None:
    first, second, other = make_sampler(), make_sampler(), make_sampler(seed=1)
    steps = first.draw(64, 0.5).steps
    np.testing.assert_array_equal(steps, second.draw(64, 0.5).steps)
    # Both draw the same strata; the places within differ.
    fine = [sampler.draw(3, 0.5).steps.tolist() for sampler in (first, other) for _ in range(9)]
    assert fine[:9] != fine[9:]


def test_a_copy_of_the_state_goes_on_alike() -> None:
    sampler, copy = make_sampler(), PrioritisedSampler(8, 0.6, np.random.default_rng(7))
    sampler.add(np.array([5]), 0.3)
    copy.restore(sampler.state())
    copy._rng.bit_generator.state = sampler._rng.bit_generator.state
    copy.check_valid()
    for _ in range(3):
        ours, theirs = sampler.draw(16, 0.7), copy.draw(16, 0.7)
        np.testing.assert_array_equal(ours.steps, theirs.steps)
        np.testing.assert_array_equal(ours.weights, theirs.weights)
        for one in (sampler, copy):
            one.update(ours.steps, np.linspace(0, 9, 16, dtype=np.float32))


def test_a_step_without_priority_is_noticed() -> None:
    sampler = make_sampler()
    sampler._tree.set(np.array([1]), np.zeros(1))
    with pytest.raises(ValueError, match="priorities and stored steps differ"):
        sampler.check_valid()


def test_the_uniform_sampler_draws_all_alike() -> None:
    sampler = UniformSampler(np.random.default_rng(0))
    sampler.add(np.arange(4), 0.0)
    sampler.update(np.array([0]), np.array([100.0], dtype=np.float32))
    draw = sampler.draw(20_000, beta=1.0)
    assert stats.chisquare(np.bincount(draw.steps, minlength=4)).pvalue > 0.001
    assert (draw.weights == 1.0).all()


def test_options_have_dqfds_values() -> None:
    options = PriorityOptions()
    assert (options.alpha, options.agent_bonus, options.demonstration_bonus) == (0.4, 0.001, 1.0)
    assert (options.beta(0.0), options.beta(1.0)) == (0.6, 1.0)
