"""Searches side by side: equal whatever the number of threads, and they can be stopped."""

from collections.abc import Callable
from itertools import islice

import pytest

from qwop_wr.search import BeamSearch, SearchBudget, SearchOptions, SearchResult
from qwop_wr.search.parallel import Search, run_searches, usable_cores
from qwop_wr.search.starts import idle_prefix
from tests.search.guides import ENVIRONMENT, LinearGuide


def searches(n: int, clones: int | None = 400) -> list[Search]:
    beam = BeamSearch(LinearGuide(), ENVIRONMENT, SearchOptions(width=6))

    def search(seed: int) -> Search:
        def run(stop: Callable[[], bool]) -> SearchResult:
            return beam.run([idle_prefix(0)], seed, SearchBudget(clones=clones), stop)

        return run

    return [search(seed) for seed in range(n)]


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    one, three = ([r.tape for r in run_searches(searches(4), n)] for n in (1, 3))
    assert one == three
    assert len({tape.state_sha256 for tape in one}) == 4


def test_stops_when_told() -> None:
    results = list(run_searches(searches(2, clones=None), 2, stop=lambda: True))
    assert [result.ending for result in results] == ["stopped", "stopped"]


def test_a_caller_that_leaves_ends_the_searches() -> None:
    first = next(islice(run_searches(searches(3), 1), 1))
    assert first.depths > 1


def test_errors_reach_the_caller() -> None:
    with pytest.raises(ValueError, match="does not suffice"):
        list(run_searches(searches(2, clones=1), 2))


def test_some_core_is_usable() -> None:
    assert usable_cores() >= 1
