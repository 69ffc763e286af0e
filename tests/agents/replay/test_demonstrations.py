import numpy as np
import pytest

from qwop_wr.agents.replay.demonstrations import DemonstrationBuffer, mean_return
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
        assert samples.outlived[start] == (last == 4)


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
