"""The tree against a plain array."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwop_wr.agents.replay.sum_tree import SumTree


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
