from dataclasses import replace

import numpy as np
import pytest

from qwop_wr.evaluation.trajectory import Trajectory, tape_trajectory
from qwop_wr.simulator.tape import Tape


@pytest.fixture(scope="module")
def tape() -> Tape:
    # Holding O and W throws the runner over.
    keys = np.repeat(np.array([6, 9, 4], dtype=np.uint8), [12, 10, 200])
    return Tape.record(keys, engine="box2d")


def test_ends_where_the_tape_ends(tape: Tape) -> None:
    trajectory = tape_trajectory(tape)
    assert (
        len(trajectory.keys) == tape.ticks == len(trajectory.clock) - 1 == len(trajectory.state) - 1
    )
    assert trajectory.keys.tolist() == tape.per_tick_keys.tolist()
    assert trajectory.clock[-1] == tape.score_time
    assert trajectory.distance[-1] == tape.distance
    assert trajectory.finished == tape.finished


def test_the_clock_counts_ticks_and_the_reset(tape: Tape) -> None:
    trajectory = tape_trajectory(tape)
    assert trajectory.clock == pytest.approx(np.arange(1, len(trajectory.clock) + 1) / 30)
    assert np.round(trajectory.torso_x, 1) == pytest.approx(trajectory.distance, abs=0.051)


def test_splits_end_at_the_landing() -> None:
    distance = np.array([0.0, 9.9, 10.0, 25.0, 24.0, 49.9, 79.9, 100.2])
    trajectory = Trajectory(
        keys=np.zeros(7, dtype=np.uint8),
        clock=np.arange(8.0),
        distance=distance,
        state=np.zeros((8, 12, 6)),
        hurdle=np.zeros((8, 2, 6)),
        finished=True,
    )
    assert trajectory.splits() == {10: 2.0, 20: 3.0, 50: 6.0, 80: 7.0, 100: 7.0}
    assert trajectory.first_passing(100.3) is None
    assert 100 not in replace(trajectory, finished=False).splits()


def test_can_be_cut(tape: Tape) -> None:
    trajectory = tape_trajectory(tape)
    cut = trajectory.first(5)
    assert len(cut.keys) == 5
    assert len(cut.clock) == len(cut.distance) == len(cut.state) == len(cut.hurdle) == 6
    assert trajectory.first(tape.ticks) is trajectory
