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
