"""Actions to try: how often each, and which when nothing is drawn."""

import numpy as np
import pytest

from qwop_wr.search.proposals import propose_actions

LOGITS = np.log([[0.6, 0.3, 0.1]])


def test_without_a_generator_the_best() -> None:
    assert propose_actions(LOGITS, 2, 5.0, None).tolist() == [[0, 1]]


def test_all_if_more_are_wanted_than_there_are() -> None:
    actions = propose_actions(LOGITS, 9, 1.0, np.random.default_rng(0))
    assert sorted(actions[0].tolist()) == [0, 1, 2]


def test_frequencies_are_those_of_drawing_without_repetition() -> None:
    rng = np.random.default_rng(3)
    actions = propose_actions(np.repeat(LOGITS, 40_000, axis=0), 2, 1.0, rng)
    assert np.bincount(actions[:, 0]) / 40_000 == pytest.approx([0.6, 0.3, 0.1], abs=0.01)
    pairs = (actions[:, 0] == 0) & (actions[:, 1] == 1)
    assert pairs.mean() == pytest.approx(0.6 * 0.3 / 0.4, abs=0.01)


def test_temperature_flattens() -> None:
    rng = np.random.default_rng(3)
    actions = propose_actions(np.repeat(LOGITS, 40_000, axis=0), 1, 2.0, rng)
    weights = np.sqrt([0.6, 0.3, 0.1])
    assert np.bincount(actions[:, 0]) / 40_000 == pytest.approx(weights / weights.sum(), abs=0.01)
