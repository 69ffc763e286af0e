"""States that searches meet, and runs that look one decision ahead from them."""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pytest

from qwop_wr.agents.refit import CriticFitter
from qwop_wr.envs import ACTION_SETS, EnvironmentOptions, Observer, QwopVectorEnv, Snapshot
from qwop_wr.search import AgentGuide, BeamSearch, SearchOptions, SearchResult
from qwop_wr.search.beam import Depth, Watcher
from qwop_wr.search.lookahead import (
    LookaheadOptions,
    LookaheadRuns,
    PoolOptions,
    Rollout,
    StatePool,
    fill_pool,
)
from qwop_wr.search.tapes import idle_prefix
from qwop_wr.simulator import make_simulator
from tests.search.agents import ENV, make_agent
from tests.search.guides import ENVIRONMENT, LinearGuide


def watch_search(watch: Watcher, max_clones: int = 150) -> SearchResult:
    beam = BeamSearch(LinearGuide(), ENVIRONMENT, SearchOptions(width=6))
    return beam.run([idle_prefix(0)], 0, max_clones, watch=watch)


def test_states_of_every_depth_are_kept_exactly() -> None:
    pool = StatePool(make_simulator("exact", 40), 95.0, 2, np.random.default_rng(0))
    seen: set[bytes] = set()

    def watch(depth: Depth) -> None:
        pool.watch(depth)
        running = depth.simulator.state[np.flatnonzero(depth.running)]
        seen.update(state.tobytes() for state in running)

    result = watch_search(watch)
    assert pool.n_states == 2 * result.depths
    states = pool.simulator.state[: pool.n_states]
    assert all(state.tobytes() in seen for state in states)
    assert len(set(pool.simulator.ticks[: pool.n_states])) == result.depths


def test_a_full_pool_takes_new_states_for_old_ones() -> None:
    pool = StatePool(make_simulator("exact", 5), 95.0, 2, np.random.default_rng(0))
    watch_search(pool.watch, max_clones=300)
    assert pool.n_states == 5
    assert pool.simulator.ticks.max() > 4 * 5
    assert not pool.simulator.ended.any()


def test_states_near_the_finish_are_left_out() -> None:
    pool = StatePool(make_simulator("exact", 40), 0.0, 2, np.random.default_rng(0))
    watch_search(pool.watch)
    assert (pool.simulator.state[: pool.n_states, 0, 0] < 0.0).all()


def test_every_second_search_takes_up_a_run_after_a_stumble() -> None:
    options = PoolOptions(size=60, searches=2, search=SearchOptions(width=4, max_ticks=120))
    one, two = (
        fill_pool(LinearGuide(), ENVIRONMENT, options, np.random.default_rng(5)) for _ in range(2)
    )
    assert 0 < one.n_states <= 60
    np.testing.assert_array_equal(one.simulator.state, two.simulator.state)
    drawn = one.draw(1000)
    assert set(drawn) == set(range(one.n_states))


GAMMA = 0.9
FALL = -5.0


def make_runs(pool: StatePool, env: EnvironmentOptions = ENV, **options: float) -> LookaheadRuns:
    settings = LookaheadOptions.model_validate(
        {"n_runs": 3, "proposals": 9, "plain_share": 0.0, "restart_share": 0.0, **options}
    )
    agent = make_agent(1)
    fitter, guide = CriticFitter(agent, 0.01), AgentGuide([agent], env)
    return LookaheadRuns(pool, guide, fitter, env, settings, GAMMA, np.random.default_rng(2))


def replay(actions: Iterable[int]) -> list[Snapshot]:
    game = make_simulator("exact")
    snapshots = [Snapshot.of(game)]
    for action in actions:
        game.step(ACTION_SETS["minimal"][[action]], ENV.ticks_per_action)
        snapshots.append(Snapshot.of(game))
    return snapshots


def check_line(rollout: Rollout, run: int, n_decisions: int) -> list[Snapshot]:
    """Asserts that a run's decisions from the hard reset are what the game does."""
    critic, observer = CriticFitter(make_agent(1), 0.01), Observer("egocentric")
    snapshots = replay(rollout.actions[:n_decisions, run])
    for step, (before, after) in enumerate(pairwise(snapshots)):
        np.testing.assert_array_equal(rollout.observations[step, run], observer.observe(before)[0])
        reward = (after.torso_x[0] - before.torso_x[0]) / 10 - 0.02
        assert rollout.rewards[step, run] == pytest.approx(reward, abs=1e-6)
        value = critic.values(observer.observe(after))[0]
        assert rollout.next_values[step, run] == pytest.approx(value, abs=1e-4)
    return snapshots


def test_recorded_decisions_replay(pool: StatePool) -> None:
    rollout = make_runs(pool, plain_share=0.5).play(8, FALL)
    assert not rollout.cut.any()
    for run in range(3):
        check_line(rollout, run, 8)


def test_rewards_are_those_of_the_environment(pool: StatePool) -> None:
    env = EnvironmentOptions(
        ticks_per_action=2, reward="qwop_gym", speed_reward=0.3, time_cost=20.0
    )
    rollout = make_runs(pool, env).play(5, FALL)
    games = QwopVectorEnv(3, env)
    games.reset()
    for actions, rewards in zip(rollout.actions, rollout.rewards, strict=True):
        np.testing.assert_allclose(rewards, games.step(actions)[1], atol=1e-6)


def test_the_best_of_all_actions_is_taken(pool: StatePool) -> None:
    rollout = make_runs(pool).play(1, FALL)
    critic, observer = CriticFitter(make_agent(1), 0.01), Observer("egocentric")
    totals = []
    for action in range(9):
        before, after = replay(np.array([action]))
        reward = (after.torso_x[0] - before.torso_x[0]) / 10 - 0.02
        totals.append(reward + GAMMA * critic.values(observer.observe(after))[0])
    assert rollout.actions[0].tolist() == [int(np.argmax(totals))] * 3


def test_falls_cut_runs_and_new_ones_begin(pool: StatePool) -> None:
    rollout = make_runs(pool, sink_height=0.0, plain_share=1.0).play(40, FALL)
    assert rollout.fallen.any()
    assert (rollout.next_values[rollout.fallen] == FALL).all()
    assert rollout.cut[rollout.fallen].all()
    step, run = np.argwhere(rollout.fallen[:-1])[0]
    np.testing.assert_array_equal(rollout.observations[step + 1, run], rollout.observations[0, 0])


def test_runs_are_given_up_now_and_then(pool: StatePool) -> None:
    rollout = make_runs(pool, restart_share=1.0).play(3, FALL)
    assert rollout.cut.all()
    assert not rollout.fallen.any()
    assert (rollout.observations == rollout.observations[0, 0]).all()


def test_runs_end_before_the_finish(pool: StatePool) -> None:
    assert make_runs(pool, last_metre=0.001).play(30, FALL).cut.any()
