"""Demonstrations and the learner's own fastest finishes."""

import numpy as np
import pytest
from numpy.typing import NDArray

from qwop_wr.agents.replay.demonstrations import (
    REFRESH_EVERY,
    DemonstrationBuffer,
    EliteBuffer,
    mean_return,
)
from qwop_wr.agents.replay.sampling import UniformSampler
from qwop_wr.agents.transitions import Transitions

GAMMA = 0.9


def make_transitions() -> Transitions:
    """Three episodes of 4, 1 and 6 steps; the first and last fall, the second finishes."""
    rng = np.random.default_rng(0)
    episode = np.repeat([0, 1, 2], [4, 1, 6]).astype(np.int32)
    dones = np.zeros(11, dtype=np.bool_)
    dones[[3, 10]] = True
    obs = np.arange(22, dtype=np.float32).reshape(11, 2)
    return Transitions(
        obs=obs,
        actions=np.arange(11) % 3,
        rewards=rng.normal(size=11).astype(np.float32),
        next_obs=obs + np.float32(0.5),
        dones=dones,
        episode=episode,
    )


@pytest.mark.parametrize("n_steps", [1, 2, 5, 20])
def test_samples_equal_a_naive_walk(n_steps: int) -> None:
    transitions = make_transitions()
    buffer = DemonstrationBuffer(transitions, GAMMA, UniformSampler(np.random.default_rng(0)))
    samples = buffer.n_step_samples(np.arange(len(transitions)), n_steps)
    assert samples.imitated.all()
    for start in range(len(transitions)):
        total, discount, last = 0.0, 1.0, start
        for step in range(start, min(start + n_steps, len(transitions))):
            if transitions.episode[step] != transitions.episode[start]:
                break
            total += discount * float(transitions.rewards[step])
            discount *= GAMMA
            last = step
        if transitions.dones[last]:
            discount = 0.0
        assert samples.returns[start] == pytest.approx(total, rel=1e-5, abs=1e-6)
        assert samples.discounts[start] == pytest.approx(discount, rel=1e-6)
        np.testing.assert_array_equal(samples.next_observations[start], transitions.next_obs[last])
        assert samples.actions[start] == transitions.actions[start]
        assert samples.truncated[start] == (last == 4)


def test_draws_cover_all_steps_and_repeat_with_the_seed() -> None:
    transitions = make_transitions()
    first, second = (
        DemonstrationBuffer(transitions, GAMMA, UniformSampler(np.random.default_rng(4))).draw(
            500, beta=0.0
        )
        for _ in range(2)
    )
    np.testing.assert_array_equal(first.steps, second.steps)
    assert set(first.steps) == set(range(len(transitions)))


def test_the_mean_return_is_that_of_a_naive_loop() -> None:
    transitions = make_transitions()
    totals = []
    for start in range(len(transitions)):
        steps = np.flatnonzero(transitions.episode == transitions.episode[start])
        rest = transitions.rewards[steps[steps >= start]].astype(np.float64)
        totals.append((rest * GAMMA ** np.arange(len(rest))).sum())
    assert mean_return(transitions, GAMMA) == pytest.approx(np.mean(totals), rel=1e-5)


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
