"""Runs that look one decision ahead: exact games, best choices, ends and new beginnings."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from qwop_wr.agents.refit import CriticFitter
from qwop_wr.envs import ACTION_SETS, Observer, Snapshot
from qwop_wr.search import AgentGuide
from qwop_wr.search.beam import Depth
from qwop_wr.search.lookahead import LookaheadOptions, LookaheadRuns
from qwop_wr.search.pool import StatePool
from qwop_wr.simulator import make_simulator
from tests.search.agents import ENV, make_agent

GAMMA = 0.9
FALL = -5.0


@pytest.fixture
def pool() -> StatePool:
    """One state: the hard reset."""
    reset = make_simulator("exact", 1)
    pool = StatePool("exact", 1, 95.0, 1, np.random.default_rng(0))
    zero = np.zeros(1, np.int64)
    pool.watch(Depth(reset, np.ones(1, np.bool_), zero, zero))
    return pool


def make_runs(pool: StatePool, **options: float) -> LookaheadRuns:
    settings = LookaheadOptions.model_validate(
        {"n_runs": 3, "proposals": 9, "plain_share": 0.0, "restart_share": 0.0, **options}
    )
    agent = make_agent(1)
    fitter, guide = CriticFitter(agent, 0.01), AgentGuide([agent], ENV)
    return LookaheadRuns(pool, guide, fitter, ENV, settings, GAMMA, np.random.default_rng(2))


def replay(actions: NDArray[np.int64]) -> list[Snapshot]:
    game = make_simulator("exact")
    snapshots = [Snapshot.of(game)]
    for action in actions:
        game.step(ACTION_SETS["minimal"][[action]], 2)
        snapshots.append(Snapshot.of(game))
    return snapshots


def test_recorded_decisions_replay(pool: StatePool) -> None:
    stretch = make_runs(pool, plain_share=0.5).play(8, FALL)
    critic, observer = CriticFitter(make_agent(1), 0.01), Observer("egocentric")
    assert not stretch.cut.any()
    for run in range(3):
        snapshots = replay(stretch.actions[:, run])
        for step, (before, after) in enumerate(pairwise(snapshots)):
            np.testing.assert_array_equal(
                stretch.observations[step, run], observer.observe(before)[0]
            )
            reward = (after.torso_x[0] - before.torso_x[0]) / 10 - 0.02
            assert stretch.rewards[step, run] == pytest.approx(reward, abs=1e-6)
            value = critic.values(observer.observe(after))[0]
            assert stretch.next_values[step, run] == pytest.approx(value, abs=1e-4)


def test_the_best_of_all_actions_is_taken(pool: StatePool) -> None:
    stretch = make_runs(pool).play(1, FALL)
    critic, observer = CriticFitter(make_agent(1), 0.01), Observer("egocentric")
    totals = []
    for action in range(9):
        before, after = replay(np.array([action]))
        reward = (after.torso_x[0] - before.torso_x[0]) / 10 - 0.02
        totals.append(reward + GAMMA * critic.values(observer.observe(after))[0])
    assert stretch.actions[0].tolist() == [int(np.argmax(totals))] * 3


def test_falls_cut_runs_and_new_ones_begin(pool: StatePool) -> None:
    stretch = make_runs(pool, sink_height=0.0, plain_share=1.0).play(40, FALL)
    assert stretch.fallen.any()
    assert (stretch.next_values[stretch.fallen] == FALL).all()
    assert stretch.cut[stretch.fallen].all()
    step, run = np.argwhere(stretch.fallen[:-1])[0]
    np.testing.assert_array_equal(stretch.observations[step + 1, run], stretch.observations[0, 0])


def test_runs_are_given_up_now_and_then(pool: StatePool) -> None:
    stretch = make_runs(pool, restart_share=1.0).play(3, FALL)
    assert stretch.cut.all()
    assert not stretch.fallen.any()
    assert (stretch.observations == stretch.observations[0, 0]).all()


def test_runs_end_before_the_finish(pool: StatePool) -> None:
    assert make_runs(pool, last_metre=0.001).play(30, FALL).cut.any()
