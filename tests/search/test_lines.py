"""Small beams from the states of a pool, and the lines that they teach."""

import numpy as np
import pytest

from qwop_wr.agents.refit import CriticFitter
from qwop_wr.envs import Observer
from qwop_wr.search import AgentGuide
from qwop_wr.search.lines import LineRuns
from qwop_wr.search.lookahead import LookaheadOptions, StatePool
from tests.search.agents import ENV, make_agent
from tests.search.test_lookahead import FALL, check_line, replay

N_RUNS = 3


def make_runs(pool: StatePool, **options: float) -> LineRuns:
    settings = LookaheadOptions.model_validate(
        {"n_runs": N_RUNS, "width": 4, "restart_share": 0.0, **options}
    )
    agent = make_agent(1)
    fitter, guide = CriticFitter(agent, 0.01), AgentGuide([agent], ENV)
    return LineRuns(pool, guide, fitter, ENV, settings, np.random.default_rng(2))


def test_lines_replay(pool: StatePool) -> None:
    rollout = make_runs(pool).play(8, FALL)
    assert not rollout.cut.any()
    assert not rollout.void.any()
    for run in range(N_RUNS):
        check_line(rollout, run, 8)


def test_the_line_leads_to_the_best_state_of_all(pool: StatePool) -> None:
    n_decisions = 2
    runs = make_runs(pool, width=100, proposals=9, cell=0.0, value_weight=0.5)
    rollout = runs.play(n_decisions, FALL)
    critic, observer = CriticFitter(make_agent(1), 0.01), Observer("egocentric")

    def score(actions: list[int]) -> float:
        end = replay(actions)[-1]
        return float(end.torso_x[0] / 10 + 0.5 * critic.values(observer.observe(end))[0])

    scores = [score([one, two]) for one in range(9) for two in range(9)]
    for run in range(N_RUNS):
        assert score(rollout.actions[:, run].tolist()) == pytest.approx(max(scores), abs=1e-5)


def test_runs_go_on_where_they_were(pool: StatePool) -> None:
    runs = make_runs(pool, width=1)
    first, second = runs.play(4, FALL), runs.play(4, FALL)
    for run in range(N_RUNS):
        actions = np.concatenate([first.actions[:, run], second.actions[:, run]])
        observed = Observer("egocentric").observe(replay(actions.tolist())[4])[0]
        np.testing.assert_array_equal(second.observations[0, run], observed)


def test_a_run_is_lost_with_its_last_state(pool: StatePool) -> None:
    runs = make_runs(pool, sink_height=0.0, width=2)
    rollout = runs.play(60, FALL)
    assert rollout.fallen.any(axis=0).all()
    for run in range(N_RUNS):
        end = int(rollout.fallen[:, run].argmax())
        last = check_line(rollout, run, end)[-1]
        np.testing.assert_array_equal(
            rollout.observations[end, run], Observer("egocentric").observe(last)[0]
        )
        assert rollout.next_values[end, run] == FALL
        assert rollout.cut[end, run]
        assert rollout.plain[end, run]
        assert rollout.void[:, run].tolist() == [False] * (end + 1) + [True] * (59 - end)
    again = runs.play(1, FALL)
    assert (again.observations[0] == rollout.observations[0, 0]).all()


def test_runs_end_before_the_finish(pool: StatePool) -> None:
    rollout = make_runs(pool, last_metre=0.001).play(30, FALL)
    ended = rollout.cut.any(axis=0)
    assert ended.any()
    for run in np.flatnonzero(ended):
        end = int(rollout.cut[:, run].argmax())
        snapshots = check_line(rollout, int(run), end + 1)
        assert snapshots[-1].torso_x[0] / 10 > 0.001
        assert rollout.void[end + 1 :, run].all()
        assert not rollout.fallen[:, run].any()


def test_runs_are_given_up_now_and_then(pool: StatePool) -> None:
    runs = make_runs(pool, restart_share=1.0)
    first, second = runs.play(3, FALL), runs.play(3, FALL)
    assert not first.cut.any()
    assert (second.observations[0] == first.observations[0]).all()


def test_same_seed_same_lines(pool: StatePool) -> None:
    one, two = (make_runs(pool).play(6, FALL) for _ in range(2))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)
