"""Looking ahead: chooses what turns out best on the clones, and leaves the games alone."""

import numpy as np
import pytest

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.rollout import play_episodes
from qwop_wr.envs import ACTION_SETS, EnvironmentOptions, QwopVectorEnv
from qwop_wr.search.foresight import ForesightOptions, ForesightPolicy, Trials, best_actions
from qwop_wr.simulator import make_simulator
from tests.search.agents import make_agent

OPTIONS = EnvironmentOptions(ticks_per_action=2, max_ticks=120, idle_ticks=10)


def constant(agent: Agent, value: float = 0.0) -> Agent:
    """An agent that values all states alike."""
    weights = {name: array.copy() for name, array in agent.weights.items()}
    weights["critic_output.weight"][:] = 0.0
    weights["critic_output.bias"][:] = value
    return Agent(agent.spec, weights)


def test_without_values_the_farthest_of_all_actions_is_taken() -> None:
    agent = constant(make_agent(0))
    env = QwopVectorEnv(4, OPTIONS, autoreset=False)
    options = ForesightOptions(proposals=9, decisions=1, fall_cost=0.0)
    policy = ForesightPolicy(agent, env, options, least_gain=0.0)
    observations, _ = env.reset(seed=[1, 2, 3, 4])
    masks = ACTION_SETS["minimal"]
    for _ in range(15):
        reached = np.zeros((4, len(masks)))
        for action, mask in enumerate(masks):
            clones = make_simulator("exact", 4)
            clones.copy_games(env.simulator, np.arange(4), np.arange(4))
            clones.step(np.full(4, mask), OPTIONS.ticks_per_action)
            reached[:, action] = clones.state[:, 0, 0]
        chosen = policy.act(observations)
        np.testing.assert_allclose(reached[np.arange(4), chosen], reached.max(axis=1))
        observations, *_ = env.step(chosen)


def test_some_games_are_tried_as_they_are_among_all() -> None:
    agent = make_agent(3)
    env = QwopVectorEnv(40, OPTIONS, autoreset=False)
    trials = Trials(agent.policy(), agent.policy(), env, ForesightOptions(decisions=4))
    observations, _ = env.reset(seed=list(range(40)))
    for _ in range(10):
        observations, *_ = env.step(agent.policy().act(observations))
    every, some = np.arange(40), np.array([1, 5, 6, 21, 39])
    actions = best_actions(agent.policy().action_scores(observations), 3)
    view = trials.look()
    whole = trials.play(trials.start(view, every), actions)
    part = trials.play(trials.start(view, some), actions[some])
    np.testing.assert_allclose(part, whole[some], rtol=1e-5)


def test_trials_that_overlap_are_rated_as_if_alone_unless_abandoned() -> None:
    agent, n, ahead = make_agent(3), 40, 4
    env = QwopVectorEnv(n, OPTIONS, autoreset=False)
    policy, options = agent.policy(), ForesightOptions(decisions=ahead)
    alone, together = (Trials(policy, policy, env, options) for _ in range(2))
    env.reset(seed=list(range(n)))
    view, rng = together.look(), np.random.default_rng(2)
    begun = []
    for _ in range(16):
        games = np.flatnonzero(rng.random(n) < 0.5)
        actions = best_actions(policy.action_scores(view.observations[games]), 3)
        start = together.start(view, games)
        expected, found = alone.play(start, actions), together.add(start, actions)
        begun.append((games, expected, found, np.zeros(len(games), dtype=np.bool_)))
        env.step(policy.act(view.observations))
        view, abandoned = together.look(), rng.random(n) < 0.05
        together.abandon(abandoned)
        for tried, _, _, is_left in begun[-ahead:]:
            is_left[:] |= abandoned[tried]
        together.advance()
    for _, expected, found, is_left in begun[: 1 - ahead]:
        np.testing.assert_allclose(found[~is_left], expected[~is_left], rtol=1e-5)
        assert np.isnan(found[is_left]).all()
    assert sum(is_left.sum() for *_, is_left in begun[: 1 - ahead]) > 20
    assert all(np.isnan(found).all() for _, _, found, _ in begun[1 - ahead :])


def test_the_games_own_play_is_rated_as_on_a_clone() -> None:
    agent = make_agent(3)
    env = QwopVectorEnv(40, OPTIONS, autoreset=False)
    options = ForesightOptions(decisions=4)
    trials = Trials(agent.policy(), constant(agent, 2.0).policy(), env, options)
    env.reset(seed=list(range(40)))
    view = trials.look()
    for _ in range(12):
        start = trials.start(view, np.arange(40))
        own = agent.policy().act(view.observations)
        tried = trials.play(start, own[:, None])[:, 0]
        fallen = np.zeros(40, dtype=np.bool_)
        for _ in range(4):
            env.step(agent.policy().act(view.observations))
            view = trials.look()
            fallen |= view.fallen
        np.testing.assert_allclose(trials.played(start, view, fallen), tried, rtol=1e-5)


def test_ratings_are_metres_whatever_a_metre_earns() -> None:
    agent, ratings = make_agent(3), []
    for reward in (1.0, 4.0):
        options = OPTIONS.model_copy(update={"metre_reward": reward})
        env = QwopVectorEnv(8, options, autoreset=False)
        judge = constant(agent, 2.0 * reward * agent.spec.reward_scale)
        trials = Trials(agent.policy(), judge.policy(), env, ForesightOptions(decisions=4))
        env.reset(seed=list(range(8)))
        view = trials.look()
        ratings.append(trials.play(trials.start(view, np.arange(8)), np.zeros((8, 1), np.int64)))
    np.testing.assert_allclose(ratings[1], ratings[0], rtol=1e-6)
    # Two metres of value, weighed by 0.8.
    assert ratings[0] == pytest.approx(1.6, abs=0.5)


def test_with_one_proposal_it_is_the_agents_own_policy() -> None:
    agent = make_agent(0)
    env = QwopVectorEnv(4, OPTIONS, autoreset=False)
    policy = ForesightPolicy(agent, env, ForesightOptions(proposals=1, decisions=3))
    ahead = play_episodes(policy, env, [1, 2, 3, 4])
    plain = play_episodes(agent.policy(), env, [1, 2, 3, 4])
    np.testing.assert_array_equal(ahead.distance, plain.distance)
    np.testing.assert_array_equal(ahead.ticks, plain.ticks)


def test_the_agents_own_action_is_kept_unless_another_gains_enough() -> None:
    agent = constant(make_agent(0))
    env = QwopVectorEnv(8, OPTIONS, autoreset=False)
    observations, _ = env.reset(seed=list(range(8)))
    for _ in range(10):
        observations, *_ = env.step(agent.policy().act(observations))
    own = agent.policy().act(observations)
    differing = []
    for least_gain in (0.0, 0.05, 1e6):
        options = ForesightOptions(proposals=9, decisions=6)
        policy = ForesightPolicy(agent, env, options, least_gain)
        differing.append((policy.act(observations) != own).sum())
    assert differing[0] >= differing[1] >= differing[2] == 0
    assert differing[0] > 0


def test_trials_leave_the_games_alone_and_repeat() -> None:
    env = QwopVectorEnv(4, OPTIONS, autoreset=False)
    policy = ForesightPolicy(make_agent(0), env, ForesightOptions(decisions=4))
    observations, _ = env.reset(seed=[1, 2, 3, 4])
    before = env.simulator.state.copy()
    first, second = policy.act(observations), policy.act(observations)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(env.simulator.state, before)


def test_it_gets_farther_than_the_agent() -> None:
    agent = constant(make_agent(0))
    env = QwopVectorEnv(8, OPTIONS, autoreset=False)
    policy = ForesightPolicy(agent, env, ForesightOptions(proposals=9, decisions=6), least_gain=0.0)
    ahead = play_episodes(policy, env, range(8))
    plain = play_episodes(agent.policy(), env, range(8))
    assert ahead.distance.mean() > plain.distance.mean() + 0.5


def test_it_cannot_draw() -> None:
    env = QwopVectorEnv(2, OPTIONS, autoreset=False)
    policy = ForesightPolicy(make_agent(0), env, ForesightOptions())
    observations, _ = env.reset(seed=0)
    with pytest.raises(ValueError, match="cannot draw"):
        policy.act(observations, deterministic=False)
