from typing import Any

import numpy as np
import pytest
from gymnasium.vector import VectorEnv

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.policy import Policy
from qwop_wr.agents.rollout import Episodes, play_episodes, play_in_groups
from tests.agents.conftest import make_agent, make_ppo_spec
from tests.agents.corridor import CorridorVectorEnv


def walker(length: int = 20) -> Policy:
    """A policy that takes the other foot, whatever its network's weights were."""
    agent = make_agent(make_ppo_spec())
    weights = {name: np.zeros_like(array) for name, array in agent.weights.items()}
    weights["actor.linear.0.weight"][0, 0] = weights["actor.linear.0.weight"][1, 1] = 1.0
    weights["actor_output.weight"][2, 0] = weights["actor_output.weight"][1, 1] = 5.0
    return Agent(agent.spec, weights).policy()


def test_a_perfect_walk_is_reported_as_it_was() -> None:
    env = CorridorVectorEnv(4, autoreset=False)
    episodes = play_episodes(walker(), env, [5, 6, 7, 8])
    assert episodes.finished.all()
    assert not episodes.fallen.any()
    np.testing.assert_array_equal(episodes.seeds, [5, 6, 7, 8])
    np.testing.assert_array_equal(episodes.distance, 20.0)
    np.testing.assert_array_equal(episodes.length, 20)
    idle = [np.random.default_rng(seed).integers(4) for seed in (5, 6, 7, 8)]
    np.testing.assert_array_equal(episodes.idle_ticks, idle)
    np.testing.assert_array_equal(episodes.ticks, np.array(idle) + 40)
    np.testing.assert_allclose(episodes.score_time, (episodes.ticks + 1) / 30.0)
    np.testing.assert_allclose(episodes.total_reward, 20 * 0.98)
    assert episodes.transitions is None
    assert episodes.keys is None


def random_episodes(
    n_games: int, seeds: list[int], rng: np.random.Generator | None = None
) -> Episodes:
    policy = make_agent(make_ppo_spec(), seed=2).policy()
    env = CorridorVectorEnv(n_games, autoreset=False)
    return play_episodes(policy, env, seeds, deterministic=rng is None, rng=rng, record=True)


def test_a_game_depends_on_its_seed_and_not_on_its_company() -> None:
    together = random_episodes(5, [1, 2, 3, 4, 5])
    in_batches = random_episodes(2, [1, 2, 3, 4, 5])
    for name in ("finished", "fallen", "distance", "ticks", "total_reward", "length"):
        np.testing.assert_array_equal(getattr(in_batches, name), getattr(together, name))


@pytest.mark.parametrize("sizes", [[5], [3, 2], [1, 1, 1, 1, 1, 1]])
def test_groups_play_what_one_would(sizes: list[int]) -> None:
    agent, seeds = make_agent(make_ppo_spec(), seed=2), [3, 1, 4, 15, 9]
    groups = [CorridorVectorEnv(size, autoreset=False) for size in sizes]
    played, alone = play_in_groups(agent, groups, seeds), random_episodes(1, seeds)
    assert played.seeds.tolist() == seeds
    for name in ("finished", "fallen", "distance", "ticks", "total_reward", "length", "idle_ticks"):
        np.testing.assert_array_equal(getattr(played, name), getattr(alone, name))
    assert played.time_limit == pytest.approx(80 / 30)


def test_groups_need_a_seed() -> None:
    with pytest.raises(ValueError, match="at least one seed"):
        play_in_groups(make_agent(make_ppo_spec()), [CorridorVectorEnv(1, autoreset=False)], [])


def test_surplus_games_are_left_out() -> None:
    episodes = random_episodes(6, [1, 2])
    assert len(episodes.distance) == 2
    assert episodes.transitions is not None
    assert episodes.transitions.n_episodes == 2
    assert episodes.keys is not None
    assert len(episodes.keys) == 2


def test_transitions_are_complete_and_in_order() -> None:
    rng = np.random.default_rng(0)
    episodes = random_episodes(3, list(range(8)), rng)
    steps = episodes.transitions
    assert steps is not None
    np.testing.assert_array_equal(np.bincount(steps.episode), episodes.length)
    inside = ~steps.ends
    np.testing.assert_array_equal(steps.next_obs[inside], steps.obs[1:][inside[:-1]])
    totals = np.bincount(steps.episode, weights=steps.rewards)
    np.testing.assert_allclose(totals, episodes.total_reward, rtol=1e-5)
    np.testing.assert_array_equal(steps.dones[steps.ends], episodes.fallen)
    assert episodes.fallen.any()


def test_finishes_and_time_limits_are_not_done() -> None:
    finishes = play_episodes(walker(), CorridorVectorEnv(2, autoreset=False), [1, 2], record=True)
    slow = CorridorVectorEnv(2, autoreset=False, max_ticks=10)
    truncated = play_episodes(walker(), slow, [1, 2], record=True)
    assert not truncated.finished.any()
    for episodes in (finishes, truncated):
        assert episodes.transitions is not None
        assert not episodes.transitions.dones.any()


def test_keys_are_spelled_out_per_tick() -> None:
    env = CorridorVectorEnv(2, autoreset=False)
    episodes = play_episodes(walker(), env, [5, 6, 7], record_keys=True)
    assert episodes.keys is not None
    assert episodes.transitions is None
    for keys, ticks, idle in zip(episodes.keys, episodes.ticks, episodes.idle_ticks, strict=True):
        assert keys.dtype == np.uint8
        assert len(keys) == ticks
        assert not keys[:idle].any()
        played = keys[idle:].reshape(-1, 2)
        np.testing.assert_array_equal(played[:, 0], played[:, 1])
        # A walk alternates the feet.
        assert (played[1:, 0] != played[:-1, 0]).all()


def test_draws_repeat_with_their_generator() -> None:
    first, second = (random_episodes(4, [1, 2, 3, 4], np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first.total_reward, second.total_reward)


def test_the_observer_sees_every_step() -> None:
    seen: list[tuple[VectorEnv[Any, Any, Any], int]] = []
    env = CorridorVectorEnv(2, autoreset=False)
    play_episodes(walker(), env, [1, 2], on_step=lambda env, step: seen.append((env, step)))
    assert seen == [(env, step) for step in range(1, 21)]


def test_no_seeds_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one seed"):
        random_episodes(2, [])


def test_keys_of_an_environment_that_does_not_tell_them_are_refused() -> None:
    env = CorridorVectorEnv(2, autoreset=False)
    del env.last_keys
    with pytest.raises(ValueError, match="CorridorVectorEnv does not tell the keys"):
        play_episodes(walker(), env, [1], record_keys=True)
