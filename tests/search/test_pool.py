"""States that searches meet."""

import numpy as np

from qwop_wr.search import BeamSearch, SearchOptions, SearchResult
from qwop_wr.search.beam import Depth, Watcher
from qwop_wr.search.pool import PoolOptions, StatePool, fill_pool
from qwop_wr.search.tapes import idle_prefix
from qwop_wr.simulator import make_simulator
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
