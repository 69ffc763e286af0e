import pytest

from qwop_wr.evaluation.episodes import farthest_run, fastest_finishes, finish_times
from qwop_wr.evaluation.references import BEST_AI_CLAIM, HUMAN_RECORD, HUMAN_SPLITS, REFERENCE_TIMES
from tests.evaluation.tables import episode_table


def test_only_finishes_have_times() -> None:
    assert finish_times(episode_table([47.0, None, 45.5])).tolist() == [47.0, 45.5]
    assert finish_times(episode_table([None])).tolist() == []


def test_fastest_finishes_are_distinct_and_in_order() -> None:
    table = episode_table([47.0, None, 45.5, 45.5, 60.0, 45.5], trajectories=list("abcdec"))
    assert fastest_finishes(table) == [2, 3, 0, 4]
    assert fastest_finishes(episode_table([None, None])) == []


def test_farthest_run_is_the_first_of_equals() -> None:
    assert farthest_run(episode_table([None] * 4, distances=[3.0, 9.5, 9.5, -1.0])) == 1


def test_times_to_beat_are_in_order() -> None:
    seconds = [reference.seconds for reference in REFERENCE_TIMES]
    assert seconds == sorted(seconds)
    assert {45.167, 45.53, 47.34, 53.0, 66.4} == set(seconds)
    assert [reference for reference in REFERENCE_TIMES if reference.human] == [HUMAN_RECORD]
    assert REFERENCE_TIMES[0] == BEST_AI_CLAIM
    assert HUMAN_SPLITS[100] == pytest.approx(HUMAN_RECORD.seconds)
    assert list(HUMAN_SPLITS.values()) == sorted(HUMAN_SPLITS.values())
