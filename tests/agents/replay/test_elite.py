import numpy as np
import pytest
from numpy.typing import NDArray

from qwop_wr.agents.replay.elite import REFRESH_EVERY, EliteBuffer
from qwop_wr.agents.transitions import Transitions


def make_run(length: int) -> Transitions:
    """A finished run whose observations tell its length."""
    return Transitions(
        obs=np.full((length, 2), length, dtype=np.float32),
        actions=np.zeros(length, dtype=np.int64),
        rewards=np.ones(length, dtype=np.float32),
        next_obs=np.full((length, 2), length, dtype=np.float32),
        dones=np.zeros(length, dtype=np.bool_),
        episode=np.zeros(length, dtype=np.int32),
    )


def make_elite(capacity: int = 3) -> EliteBuffer:
    return EliteBuffer(capacity, gamma=0.9, rng=np.random.default_rng(0))


def sampled_lengths(elite: EliteBuffer) -> set[int]:
    return {int(length) for length in sampled(elite, 500)}


def sampled(elite: EliteBuffer, n: int) -> NDArray[np.float32]:
    return elite.n_step_samples(elite.draw(n, beta=0.0).steps, n_steps=2).observations[:, 0]


def test_the_fastest_runs_are_kept() -> None:
    elite = make_elite()
    for length in (9, 4, 7, 8, 3, 12):
        if elite.admits(length):
            elite.add(make_run(length))
    assert elite.lengths == [3, 4, 7]
    assert sampled_lengths(elite) == {3, 4, 7}


def test_a_full_elite_admits_only_what_is_faster() -> None:
    elite = make_elite(capacity=2)
    assert elite.admits(100)
    elite.add(make_run(5))
    assert elite.admits(100)
    elite.add(make_run(8))
    assert [elite.admits(length) for length in (7, 8, 9)] == [True, False, False]


def test_steps_not_runs_are_drawn_equally_often() -> None:
    elite = make_elite()
    elite.add(make_run(2))
    elite.add(make_run(6))
    drawn = sampled(elite, 8000)
    # 2,000 expected, six standard deviations either way.
    assert abs(int((drawn == 2).sum()) - 2000) < 235


def test_new_runs_are_sampled_after_a_while() -> None:
    elite = make_elite()
    elite.add(make_run(5))
    assert sampled_lengths(elite) == {5}
    elite.add(make_run(4))
    seen = [sampled_lengths(elite) for _ in range(REFRESH_EVERY + 1)]
    assert seen[0] == {5}
    assert seen[-1] == {4, 5}


def test_an_empty_elite_cannot_be_sampled() -> None:
    with pytest.raises(ValueError, match="empty"):
        make_elite().draw(4, beta=0.0)


def test_a_copy_of_the_state_goes_on_alike() -> None:
    elite, other = make_elite(), make_elite()
    for length in (9, 4, 7):
        elite.add(make_run(length))
    sampled(elite, 5)
    # Run 9 is dropped but still laid out; 3 is kept but not laid out yet.
    elite.add(make_run(3))
    other.add(make_run(1))
    other.restore(elite.state())
    other._rng.bit_generator.state = elite._rng.bit_generator.state
    assert other.lengths == elite.lengths == [3, 4, 7]
    for draw in range(REFRESH_EVERY + 1):
        drawn = sampled(elite, 99)
        assert (9 in drawn) == (draw < REFRESH_EVERY - 1)
        np.testing.assert_array_equal(drawn, sampled(other, 99))
    assert sampled_lengths(other) == {3, 4, 7}
    other.restore(make_elite().state())
    assert other.lengths == []
