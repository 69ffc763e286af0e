"""Survivors by score, island and cell."""

import numpy as np

from qwop_wr.search.selection import Selector

OBSERVATIONS = np.array([[0.0, 0.0], [0.01, 0.0], [1.0, 0.0], [1.0, 0.04], [2.0, 1.0]], np.float32)
SCORES = np.array([1.0, 2.0, 5.0, 4.0, 3.0])
ONE_ISLAND = np.zeros(5, np.int64)


def test_the_best_survive_best_first() -> None:
    kept = Selector(2, n_islands=1, cell=0.0).select(SCORES, OBSERVATIONS, ONE_ISLAND, 3)
    assert kept.tolist() == [2, 3, 4]


def test_of_near_duplicates_the_best_survives() -> None:
    kept = Selector(2, n_islands=1, cell=0.1).select(SCORES, OBSERVATIONS, ONE_ISLAND, 5)
    assert kept.tolist() == [2, 4, 1]


def test_every_island_keeps_its_share() -> None:
    islands = np.array([1, 1, 0, 0, 0])
    kept = Selector(2, n_islands=2, cell=0.1).select(SCORES, OBSERVATIONS, islands, 2)
    assert kept.tolist() == [2, 1]


def test_equal_states_of_two_islands_both_survive() -> None:
    selector = Selector(2, n_islands=2, cell=0.1)
    kept = selector.select(np.ones(2), np.zeros((2, 2), np.float32), np.array([0, 1]), 2)
    assert kept.tolist() == [0, 1]


def test_equal_scores_keep_their_order() -> None:
    kept = Selector(2, n_islands=1, cell=0.0).select(np.zeros(5), OBSERVATIONS, ONE_ISLAND, 2)
    assert kept.tolist() == [0, 1]


def test_nobody_to_choose_from() -> None:
    selector = Selector(2, n_islands=1, cell=0.1)
    empty = selector.select(np.zeros(0), OBSERVATIONS[:0], ONE_ISLAND[:0], 2)
    assert empty.tolist() == []
