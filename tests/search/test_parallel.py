"""Searches side by side: equal whatever the number of threads, and they can be stopped."""

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from qwop_wr.compute import ComputeOptions, ItemError
from qwop_wr.search import SearchOptions, SearchResult
from qwop_wr.search.hunt import ReplayedRun
from qwop_wr.search.parallel import Search, Target, run_searches
from qwop_wr.search.tapes import idle_prefix
from tests.search.guides import ENVIRONMENT, LinearGuide


def searches(n: int, clones: int | None = 400) -> list[Search]:
    options = SearchOptions(width=6)
    return [Search([idle_prefix(0)], options, seed, max_clones=clones) for seed in range(n)]


def run(wanted: Sequence[Search], workers: int = 2) -> list[SearchResult]:
    compute = ComputeOptions(workers=workers)
    return [done.value for done in run_searches([LinearGuide()], ENVIRONMENT, wanted, compute)]


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    one, three = ([result.tape for result in run(searches(4), n)] for n in (1, 3))
    assert one == three
    assert len({tape.state_sha256 for tape in one}) == 4


def test_every_search_has_its_guide() -> None:
    guides = [LinearGuide(0), LinearGuide(1)]
    (wanted,) = searches(1)
    both = [replace(wanted, guide=number) for number in (0, 1)]
    first, second = (done.value.tape for done in run_searches(guides, ENVIRONMENT, both))
    assert first == run([wanted])[0].tape
    assert second != first


def test_stops_at_the_deadline() -> None:
    late = [replace(one, deadline=time.time()) for one in searches(2, clones=None)]
    assert [result.ending for result in run(late)] == ["stopped", "stopped"]


def test_a_caller_that_leaves_ends_the_searches() -> None:
    endless = replace(searches(1, clones=None)[0], options=SearchOptions(width=6, sink_height=9.0))
    wanted = [*searches(1), endless, endless]
    done = run_searches([LinearGuide()], ENVIRONMENT, wanted, ComputeOptions(workers=1))
    first = next(islice(done, 1))
    assert first.value.depths > 1


def test_errors_name_the_seed() -> None:
    with pytest.raises(ItemError, match=r"searches, seed 0: ValueError: .*does not suffice"):
        run(searches(2, clones=1))


class TestTarget:
    """A search that cannot keep up with a run is given up."""

    def reach(self, ticks_early: int, lag: int) -> SearchResult:
        """Search with a target that was so many ticks faster than the search itself."""
        (wanted,) = searches(1)
        course = ReplayedRun.replay(run([wanted])[0].tape).metres
        target = Target(np.append(course[ticks_early:], course[-1] + np.zeros(2000)), lag)
        return run([replace(wanted, target=target)])[0]

    def test_keeping_up(self) -> None:
        (wanted,) = searches(1)
        assert self.reach(ticks_early=0, lag=30).tape == run([wanted])[0].tape

    def test_falling_behind(self) -> None:
        result = self.reach(ticks_early=20, lag=2)
        assert result.ending == "stopped"
        assert result.clones < 400
