"""A game's run does not depend on its neighbours, their number, or the threads."""

import numpy as np
import pytest
from numba.core import config
from numpy.typing import NDArray

from qwop_wr.simulator.exact import ExactSimulator, GameSnapshot

Keys = NDArray[np.uint8]

N_TICKS = 200


def random_keys(seed: int, n_games: int, n_ticks: int = N_TICKS) -> Keys:
    """Keys held for four ticks each, shape (n_ticks, n_games)."""
    held = np.random.default_rng(seed).integers(0, 16, (n_ticks // 4, n_games), dtype=np.uint8)
    return np.repeat(held, 4, axis=0)


def memory(simulator: ExactSimulator) -> list[bytes]:
    """All state of each game, hidden state included."""
    return [simulator.snapshot([game]).memory for game in range(simulator.n_games)]


def visible(simulator: ExactSimulator) -> list[bytes]:
    names = (
        "state hurdle score_time score ticks head_torque calf_key foot_contacts touching camera_x"
    )
    fields = [getattr(simulator, name) for name in names.split()]
    return [
        b"".join(field[game].tobytes() for field in fields) for game in range(simulator.n_games)
    ]


def play(keys: Keys) -> list[bytes]:
    simulator = ExactSimulator(keys.shape[1])
    for held in keys:
        simulator.step(held)
    return visible(simulator)


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
    assert visible(simulator) == play(keys)


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


def test_only_keys_that_act_matter() -> None:
    pairs = [(1, 3), (4, 12), (5, 15), (6, 14), (9, 11)]
    for acting, beaten in pairs:
        keys = random_keys(acting, 8)
        keys[:, 0], keys[:, 1] = acting, beaten
        runs = play(keys)
        assert runs[0] == runs[1]


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


def test_snapshots_restore_and_have_a_constant_size() -> None:
    keys = random_keys(7, 5, 300)
    simulator = ExactSimulator(5)
    sizes = set()
    kept: GameSnapshot | None = None
    for tick, held in enumerate(keys):
        if tick == 100:
            kept = simulator.snapshot()
        sizes.add(len(simulator.snapshot().memory))
        simulator.step(held)
    assert len(sizes) == 1
    assert kept is not None
    end = memory(simulator)
    other = ExactSimulator(7)
    other.restore(kept, [6, 5, 4, 3, 2])
    for held in keys[100:]:
        other.step(np.concatenate([[0, 0], held[::-1]]).astype(np.uint8))
    assert memory(other)[:1:-1] == end
