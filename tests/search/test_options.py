"""Options of searches and their budgets."""

import pytest
from pydantic import ValidationError

from qwop_wr.search import SearchBudget, SearchOptions
from qwop_wr.search.options import BudgetMeter


def test_islands_must_share_equally() -> None:
    with pytest.raises(ValidationError, match="3 islands cannot share width 128 equally"):
        SearchOptions(islands=3)


def test_clones_and_seconds_limit() -> None:
    clock = iter([0.0, 1.0, 3.0])
    meter = BudgetMeter(SearchBudget(clones=10, seconds=2.0), lambda: next(clock))
    meter.clones = 4
    assert not meter.allows(7)
    assert meter.allows(6)
    assert not meter.allows(6)


def test_searches_are_small_where_clones_are_slow() -> None:
    wide = SearchOptions(width=2048, islands=4, opening_factor=3)
    assert wide.for_engine("exact") is wide
    small = wide.for_engine("box2d")
    assert (small.width, small.islands, small.opening_factor, small.max_ticks) == (8, 1, 1, 40)
    narrow = SearchOptions(width=2, max_ticks=20).for_engine("box2d")
    assert (narrow.width, narrow.max_ticks) == (2, 20)
