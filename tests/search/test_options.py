"""Options of searches."""

import pytest
from pydantic import ValidationError

from qwop_wr.search import SearchOptions


def test_islands_must_share_equally() -> None:
    with pytest.raises(ValidationError, match="3 islands cannot share width 128 equally"):
        SearchOptions(islands=3)


def test_searches_are_small_where_clones_are_slow() -> None:
    wide = SearchOptions(width=2048, islands=4, opening_factor=3)
    assert wide.for_engine("exact") is wide
    small = wide.for_engine("box2d")
    assert (small.width, small.islands, small.opening_factor, small.max_ticks) == (8, 1, 1, 40)
    narrow = SearchOptions(width=2, max_ticks=20).for_engine("box2d")
    assert (narrow.width, narrow.max_ticks) == (2, 20)
