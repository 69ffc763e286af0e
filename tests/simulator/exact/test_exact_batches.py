"""A game's run does not depend on its neighbours, their number, or the threads."""

import numpy as np
import pytest
from numba.core import config
from numpy.typing import NDArray

from qwop_wr.simulator.exact import ExactSimulator
from tests.simulator.exact.recordings import memory

Keys = NDArray[np.uint8]

N_TICKS = 200


def random_keys(seed: int, n_games: int, n_ticks: int = N_TICKS) -> Keys:
    """Keys held for four ticks each, shape (n_ticks, n_games)."""
    held = np.random.default_rng(seed).integers(0, 16, (n_ticks // 4, n_games), dtype=np.uint8)
    return np.repeat(held, 4, axis=0)


def play(keys: Keys) -> list[bytes]:
    simulator = ExactSimulator(keys.shape[1])
    for held in keys:
        simulator.step(held)
    return memory(simulator)


def test_alone_as_in_a_batch() -> None:
    keys = random_keys(0, 19)
    together = play(keys)
    for game in range(19):
        assert play(keys[:, [game]]) == [together[game]]


def test_any_order() -> None:
    keys = random_keys(1, 40)
    order = np.random.default_rng(2).permutation(40)
    together = play(keys)
    assert play(keys[:, order]) == [together[game] for game in order]


@pytest.mark.parametrize("n_threads", [1, 2, 3, 7])
def test_any_number_of_threads(n_threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = random_keys(3, 50)
    expected = play(keys)
    monkeypatch.setattr(config, "NUMBA_NUM_THREADS", n_threads)
    assert play(keys) == expected


def test_ticks_together_or_one_by_one() -> None:
    keys = random_keys(4, 16)
    simulator = ExactSimulator(16)
    for held in keys[::4]:
        simulator.step(held, ticks=4)
    assert memory(simulator) == play(keys)


def test_a_reset_moves_no_other_game() -> None:
    simulator = ExactSimulator(9)
    for held in random_keys(5, 9, 60):
        simulator.step(held)
    before = memory(simulator)
    simulator.reset([2, 8])
    simulator.reset([4], soft=True)
    after = memory(simulator)
    fresh = memory(ExactSimulator(1))[0]
    for game in range(9):
        if game in (2, 8):
            assert after[game] == fresh
        elif game != 4:
            assert after[game] == before[game]


@pytest.mark.parametrize("seed", range(5))
def test_a_clone_goes_on_to_the_same_bits(seed: int) -> None:
    rng = np.random.default_rng(seed)
    keys = random_keys(seed, 12, 400)
    moment = int(rng.integers(1, 300))
    simulator, other = ExactSimulator(12), ExactSimulator(30)
    for held in keys[:moment]:
        simulator.step(held)
    places = rng.permutation(30)[:12]
    other.copy_games(simulator, list(range(12)), places)
    idle = np.zeros(30, dtype=np.uint8)
    for held in keys[moment:]:
        simulator.step(held)
        idle[places] = held
        other.step(idle)
    expected, found = memory(simulator), memory(other)
    assert [found[place] for place in places] == expected


def test_copies_within_a_simulator_read_before_they_write() -> None:
    simulator = ExactSimulator(8)
    for held in random_keys(6, 8, 40):
        simulator.step(held)
    before = memory(simulator)
    simulator.copy_games(simulator, [0, 1, 2, 3], [1, 2, 3, 0])
    after = memory(simulator)
    assert [after[i] for i in (1, 2, 3, 0)] == before[:4]
    assert after[4:] == before[4:]
