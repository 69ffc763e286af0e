"""Sum tree, samplers and n-step returns."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from qwop_wr.agents.replay.sampling import (
    PrioritisedSampler,
    PriorityOptions,
    SumTree,
    UniformSampler,
    n_step_returns,
)

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


@settings(max_examples=60, deadline=None)
@given(capacity=st.integers(1, 70), seed=st.integers(0, 2**32 - 1))
def test_random_operations_equal_a_naive_array(capacity: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    tree, array = SumTree(capacity), np.zeros(capacity)
    for _ in range(8):
        indices = rng.integers(capacity, size=rng.integers(0, 12))
        values = rng.random(len(indices)) * 10.0 ** rng.integers(-3, 4, len(indices))
        values[rng.random(len(indices)) < 0.2] = 0.0
        tree.set(indices, values)
        for index, value in zip(indices, values, strict=True):
            array[index] = value
        tree.check_valid()
        np.testing.assert_array_equal(tree.values, array)
        np.testing.assert_array_equal(tree[np.arange(capacity)], array)
        assert tree.total == pytest.approx(array.sum(), rel=1e-12)
        if tree.total:
            masses = rng.random(20) * tree.total
            found = tree.find(masses)
            ends = np.cumsum(array)
            slack = 1e-9 * tree.total
            assert (masses <= ends[found] + slack).all()
            assert (masses >= ends[found] - array[found] - slack).all()
            assert (array[found] > 0).all()


def test_every_mass_finds_its_entry() -> None:
    tree = SumTree(5)
    tree.set(np.arange(5), np.array([1.0, 0.0, 2.0, 0.0, 1.0]))
    masses = np.array([0.0, 0.999, 1.0, 2.999, 3.0, 3.999])
    assert tree.find(masses).tolist() == [0, 0, 2, 2, 4, 4]
    # Rounding may bring a mass to the very end.
    assert tree.find(np.array([4.0])).tolist() == [4]


def test_a_repeated_index_takes_its_last_value() -> None:
    tree = SumTree(4)
    tree.set(np.array([2, 2, 2]), np.array([5.0, 1.0, 3.0]))
    assert tree.values.tolist() == [0.0, 0.0, 3.0, 0.0]
    assert tree.total == 3.0


def test_sums_do_not_drift() -> None:
    rng = np.random.default_rng(0)
    tree = SumTree(1000)
    for _ in range(500):
        tree.set(rng.integers(1000, size=64), rng.random(64) * 1e6)
    tree.set(np.arange(1000), np.zeros(1000))
    assert tree.total == 0.0


@pytest.mark.parametrize(
    ("index", "value", "message"),
    [(4, 1.0, "within 0 to 3"), (-1, 1.0, "within 0 to 3"), (0, -1.0, "not negative")]
    + [(0, value, "finite") for value in (np.nan, np.inf)],
)
def test_wrong_entries_are_refused(index: int, value: float, message: str) -> None:
    tree = SumTree(4)
    with pytest.raises(ValueError, match=message):
        tree.set(np.array([index]), np.array([value]))
    tree.check_valid()


def test_damage_is_noticed() -> None:
    tree = SumTree(4)
    tree.set(np.arange(4), np.ones(4))
    tree._nodes[2] += 1e-6
    with pytest.raises(ValueError, match="a parent is not the sum"):
        tree.check_valid()


@pytest.mark.parametrize("n", [1, 3, 6])
def test_returns_equal_a_naive_loop(n: int) -> None:
    rng = np.random.default_rng(n)
    rewards = rng.normal(size=(200, n)).astype(np.float32)
    ends = rng.random((200, n)) < 0.3
    sums = n_step_returns(rewards, ends, gamma=0.9)
    for row in range(200):
        expected, steps = 0.0, 0
        for reward, end in zip(rewards[row], ends[row], strict=True):
            expected += 0.9**steps * float(reward)
            steps += 1
            if end:
                break
        assert sums.returns[row] == pytest.approx(expected, rel=1e-5, abs=1e-6)
        assert sums.last[row] == steps - 1
        assert sums.discounts[row] == pytest.approx(0.9**steps)
