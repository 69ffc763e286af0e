"""The ring against a plain list of everything that was ever stored."""

from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from qwop_wr.agents.replay.experience import ExperienceBuffer, joined_successors, split_successors
from qwop_wr.agents.replay.sampling import NStepSamples, UniformSampler
from qwop_wr.agents.transitions import Transitions

GAMMA = 0.9
N_GAMES = 3


def make_buffer(n_rows: int, seed: int = 0) -> ExperienceBuffer:
    return ExperienceBuffer(
        n_rows * N_GAMES,
        spaces.Box(-1e6, 1e6, (2,), np.float32),
        spaces.Discrete(4),
        n_envs=N_GAMES,
        gamma=GAMMA,
        bonus=0.0,
        sampler=UniformSampler(np.random.default_rng(seed)),
    )


def draw(buffer: ExperienceBuffer, batch_size: int, n_steps: int) -> NStepSamples:
    return buffer.n_step_samples(buffer.draw(batch_size, beta=0.0).steps, n_steps)


def fill(buffer: ExperienceBuffer, n: int) -> dict[str, Any]:
    """Store n rows of random steps: observation (time, game), falls and truncations."""
    rng = np.random.default_rng(5)
    log: dict[str, Any] = {
        "actions": rng.integers(4, size=(n, N_GAMES)),
        "rewards": rng.normal(size=(n, N_GAMES)).astype(np.float32),
        "dones": rng.random((n, N_GAMES)) < 0.2,
    }
    log["truncated"] = log["dones"] & (rng.random((n, N_GAMES)) < 0.5)
    for t in range(n):
        obs = np.array([[t, game] for game in range(N_GAMES)], dtype=np.float32)
        infos = [{"TimeLimit.truncated": bool(flag)} for flag in log["truncated"][t]]
        buffer.add(
            obs,
            obs + np.array([0.5, 0.0], dtype=np.float32),
            log["actions"][t],
            log["rewards"][t],
            log["dones"][t],
            infos,
        )
    return log


def naive(log: dict[str, Any], t: int, game: int, n_steps: int) -> tuple[float, float, float]:
    """n-step return, discount and time of the last step, by walking on from step t."""
    total, discount, last = 0.0, 1.0, t
    for k in range(n_steps):
        last = t + k
        total += discount * float(log["rewards"][last, game])
        discount *= GAMMA
        if log["dones"][last, game]:
            return total, discount * float(log["truncated"][last, game]), last
        if last + 1 == len(log["rewards"]):
            break
    return total, discount, last


@pytest.mark.parametrize("n_stored", [1, 5, 12, 13, 31])
@pytest.mark.parametrize("n_steps", [1, 3, 5])
def test_samples_equal_a_naive_walk(n_steps: int, n_stored: int) -> None:
    buffer = make_buffer(n_rows=12)
    log = fill(buffer, n_stored)
    samples = buffer.n_step_samples(np.arange(buffer.size() * N_GAMES), n_steps)
    oldest = max(n_stored - 12, 0)
    assert {int(t) for t in samples.observations[:, 0]} == set(range(oldest, n_stored))
    for i in range(len(samples.actions)):
        t, game = map(int, samples.observations[i])
        total, discount, last = naive(log, t, game, n_steps)
        assert samples.actions[i] == log["actions"][t, game]
        assert samples.returns[i] == pytest.approx(total, rel=1e-5, abs=1e-6)
        assert samples.discounts[i] == pytest.approx(discount, rel=1e-6)
        assert samples.next_observations[i].tolist() == [last + 0.5, game]
        assert samples.truncated[i] == log["truncated"][last, game]


def test_a_fall_has_no_value_behind_it_and_a_truncation_has() -> None:
    buffer = make_buffer(n_rows=4)
    obs = np.zeros((N_GAMES, 2), dtype=np.float32)
    infos: list[dict[str, Any]] = [{}, {"TimeLimit.truncated": True}, {}]
    done = np.array([True, True, False])
    buffer.add(obs, obs, np.zeros(N_GAMES, dtype=np.int64), np.ones(N_GAMES), done, infos)
    samples = buffer.n_step_samples(np.arange(3), n_steps=1)
    np.testing.assert_allclose(samples.discounts, [0.0, GAMMA, GAMMA])
    np.testing.assert_array_equal(samples.truncated, [False, True, False])


def test_every_stored_step_is_drawn_equally_often() -> None:
    buffer = make_buffer(n_rows=4)
    fill(buffer, 9)
    samples = draw(buffer, 24_000, n_steps=2)
    _, counts = np.unique(samples.observations, axis=0, return_counts=True)
    # 12 steps at 2,000 expected draws each, six standard deviations either way.
    assert len(counts) == 12
    assert np.abs(counts - 2_000).max() < 260


def test_draws_come_from_the_generator_alone() -> None:
    batches = []
    for global_seed in (0, 1):
        np.random.seed(global_seed)  # noqa: NPY002 - shows that it does not matter
        buffer = make_buffer(n_rows=12, seed=7)
        fill(buffer, 20)
        batches.append(draw(buffer, 32, n_steps=3).observations)
    np.testing.assert_array_equal(batches[0], batches[1])


def test_an_empty_buffer_cannot_be_sampled() -> None:
    with pytest.raises(ValueError, match="empty"):
        make_buffer(8).draw(4, beta=0.0)


@pytest.mark.parametrize("n_stored", [7, 12, 17])
def test_the_latest_steps_of_a_game_come_out_in_order(n_stored: int) -> None:
    buffer = make_buffer(n_rows=12)
    log = fill(buffer, n_stored)
    for game in range(N_GAMES):
        # An episode must not run on behind a fall, so take what follows the last one.
        ends = np.flatnonzero(log["dones"][:, game])
        length = min(n_stored - 1 - int(ends[-1]) if len(ends) else n_stored, 12)
        if length == 0:
            continue
        steps = buffer.latest_steps(game, length)
        times = np.arange(n_stored - length, n_stored)
        np.testing.assert_array_equal(steps.obs[:, 0], times)
        np.testing.assert_array_equal(steps.next_obs[:, 0], times + 0.5)
        np.testing.assert_array_equal(steps.actions, log["actions"][times, game])
        np.testing.assert_array_equal(steps.rewards, log["rewards"][times, game])
        assert steps.n_episodes == 1


@pytest.mark.parametrize("n_stored", [0, 5, 12, 17])
def test_a_copy_of_the_state_holds_the_same_and_goes_on(n_stored: int) -> None:
    buffer, copy = make_buffer(12, seed=1), make_buffer(12, seed=1)
    fill(buffer, n_stored)
    fill(copy, 4)
    copy.restore(buffer.state())
    for _ in range(3):
        steps = np.arange(buffer.size() * N_GAMES)
        for ours, theirs in zip(
            buffer.n_step_samples(steps, 3), copy.n_step_samples(steps, 3), strict=True
        ):
            assert np.asarray(ours).tobytes() == np.asarray(theirs).tobytes()
        for one in (buffer, copy):
            fill(one, 2)
        np.testing.assert_array_equal(buffer.draw(50, 0.0).steps, copy.draw(50, 0.0).steps)


def test_successors_that_are_the_following_row_are_saved_once() -> None:
    rows = np.random.default_rng(0).normal(size=(9, 3, 2)).astype(np.float32)
    successors = np.roll(rows, -1, axis=0)
    successors[4, 1, 0] = 7.0
    kept = split_successors(rows, successors)
    # The odd one, and the last row, which nothing follows.
    assert kept["odd"].tolist() == [4 * 3 + 1, 24, 25, 26]
    assert joined_successors(kept).tobytes() == successors.tobytes()
    zeros = np.array([[0.0], [-0.0], [0.0]], dtype=np.float32)
    kept = split_successors(zeros, np.zeros_like(zeros))
    assert kept["odd"].tolist() == [0, 2], "a sign is a bit, too"
    assert joined_successors(kept).tobytes() == np.zeros_like(zeros).tobytes()


def test_a_state_of_another_buffer_is_refused() -> None:
    buffer = make_buffer(12)
    fill(buffer, 5)
    with pytest.raises(ValueError, match="4 rows for 3 games cannot take over"):
        make_buffer(4).restore(buffer.state())
    with pytest.raises(ValueError, match="of 5 rows cannot be at 6"):
        buffer.restore({**buffer.state(), "position": np.array([6, 0])})


def make_demonstrations() -> Transitions:
    """Episodes of 7 and 6 steps; observations tell the step, the first ends in a fall."""
    obs = np.arange(26, dtype=np.float32).reshape(13, 2)
    return Transitions(
        obs=obs,
        actions=np.arange(13) % 4,
        rewards=np.arange(13, dtype=np.float32),
        next_obs=obs + np.float32(0.5),
        dones=np.arange(13) == 6,
        episode=np.repeat([0, 1], [7, 6]).astype(np.int32),
    )


def test_demonstrations_in_the_ring_are_samples_like_others() -> None:
    buffer, steps = make_buffer(8), make_demonstrations()
    buffer.add_demonstrations(steps, bonus=0.0)
    assert buffer.size() == 4
    # Three games hold four steps each, in order; the thirteenth is left out.
    samples = buffer.n_step_samples(np.arange(12), n_steps=3)
    order = np.arange(12).reshape(4, 3).T.ravel()
    np.testing.assert_array_equal(samples.observations[order], steps.obs[:12])
    assert samples.imitated.all()
    first = {row: samples.returns[order][row] for row in range(12)}
    assert first[0] == pytest.approx(0 + GAMMA + GAMMA**2 * 2)
    assert first[2] == pytest.approx(2 + GAMMA * 3), "the next piece is another game"
    assert first[5] == pytest.approx(5 + GAMMA * 6), "a fall ends the return"
    assert samples.discounts[order][5] == 0
    fill(buffer, 2)
    assert buffer.n_step_samples(np.arange(18), 3).imitated.sum() == 12
    edge = buffer.n_step_samples(np.array([3 * N_GAMES]), n_steps=3)
    assert edge.returns[0] == pytest.approx(3.0), "no return runs from a demonstration into play"


def test_demonstrations_in_the_ring_are_forgotten() -> None:
    buffer = make_buffer(8)
    buffer.add_demonstrations(make_demonstrations(), bonus=0.0)
    fill(buffer, 8)
    assert not buffer.n_step_samples(np.arange(24), 3).imitated.any()


def test_demonstrations_must_fit_into_the_ring() -> None:
    with pytest.raises(ValueError, match="13 demonstrated steps do not fit .* of 9 with 3 games"):
        make_buffer(3).add_demonstrations(make_demonstrations(), bonus=0.0)
