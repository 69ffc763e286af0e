from dataclasses import replace

import numpy as np
import pytest

from qwop_wr.evaluation.trace import Trace, trace_tape
from qwop_wr.simulator.tape import Tape


@pytest.fixture(scope="module")
def tape() -> Tape:
    # Holding O and W throws the runner over.
    keys = np.repeat(np.array([6, 9, 4], dtype=np.uint8), [12, 10, 200])
    return Tape.record(keys, engine="box2d")


def test_ends_where_the_tape_ends(tape: Tape) -> None:
    trace = trace_tape(tape)
    assert len(trace.keys) == tape.ticks == len(trace.clock) - 1 == len(trace.state) - 1
    assert trace.keys.tolist() == tape.per_tick_keys.tolist()
    assert trace.clock[-1] == tape.score_time
    assert trace.distance[-1] == tape.distance
    assert trace.finished == tape.finished


def test_the_clock_counts_ticks_and_the_reset(tape: Tape) -> None:
    trace = trace_tape(tape)
    assert trace.clock == pytest.approx(np.arange(1, len(trace.clock) + 1) / 30)
    assert np.round(trace.torso_x, 1) == pytest.approx(trace.distance, abs=0.051)


def test_splits_end_at_the_landing() -> None:
    distance = np.array([0.0, 9.9, 10.0, 25.0, 24.0, 49.9, 79.9, 100.2])
    trace = Trace(
        keys=np.zeros(7, dtype=np.uint8),
        clock=np.arange(8.0),
        distance=distance,
        state=np.zeros((8, 12, 6)),
        hurdle=np.zeros((8, 2, 6)),
        finished=True,
    )
    assert trace.splits() == {10: 2.0, 20: 3.0, 50: 6.0, 80: 7.0, 100: 7.0}
    assert trace.first_passing(100.3) is None
    assert 100 not in replace(trace, finished=False).splits()


def test_can_be_cut(tape: Tape) -> None:
    trace = trace_tape(tape)
    cut = trace.first(5)
    assert len(cut.keys) == 5
    assert len(cut.clock) == len(cut.distance) == len(cut.state) == len(cut.hurdle) == 6
    assert trace.first(tape.ticks) is trace
