"""Shows: who runs, the pace beside them, and pictures in order."""

import numpy as np
import pytest

from qwop_wr.arena.runners import Runner, TapeKeys
from qwop_wr.arena.show import Show, compared, human_pace
from qwop_wr.evaluation.references import HUMAN_SPLITS
from qwop_wr.simulator.tape import Tape


def runner(tape: Tape) -> Runner:
    return Runner("someone", TapeKeys(tape), "box2d")


def test_the_pace_passes_the_marks_when_the_record_did() -> None:
    for mark, clock in HUMAN_SPLITS.items():
        assert human_pace(clock).metres == pytest.approx(mark)
    assert human_pace(0.0).metres == 0
    assert human_pace(7.64 / 2).metres == pytest.approx(5)
    assert human_pace(60.0).metres == 100
    assert human_pace(1.0).label == "human record 45.53 s"


def test_finishes_are_compared_with_the_record() -> None:
    assert compared(39.80) == "5.73 s ahead of the human record"
    assert compared(66.4) == "20.87 s behind the human record"


def test_runners_start_together_and_end_alone(tape: Tape, fall: Tape) -> None:
    show = Show([runner(tape), runner(fall)])
    while not show.ended:
        show.tick()
    assert [len(one.played) for one in show.runners] == [tape.ticks, fall.ticks]
    assert show.ticks == max(tape.ticks, fall.ticks)
    assert show.clock == pytest.approx(show.runners[1].clock)
    show.rewind(20)
    assert [len(one.played) for one in show.runners] == [20, 20]
    assert show.ticks == 20


def test_frames_follow_the_run(tape: Tape) -> None:
    show = Show([runner(tape)])
    frames = list(show.frames(first=4, last=24, every=10))
    assert len(frames) == 3
    show.rewind(14)
    np.testing.assert_array_equal(frames[1], show.draw())
    again = list(show.frames(first=4, last=24, every=10))
    np.testing.assert_array_equal(again, frames)


def test_the_last_frame_tells_the_end(fall: Tape) -> None:
    show = Show([runner(fall)])
    *_, before, last = show.frames(first=0, last=10_000, every=1)
    banner = np.s_[160:250, 570:930]
    assert show.ended
    assert (last[banner] != before[banner]).any()


@pytest.mark.parametrize("count", [0, 6])
def test_lanes_are_counted(tape: Tape, count: int) -> None:
    with pytest.raises(ValueError, match=f"1 to 5 .* got {count}"):
        Show([runner(tape)] * count)
