"""How games end."""

import numpy as np
import pytest

from qwop_wr.envs.options import EnvironmentOptions
from qwop_wr.envs.outcomes import Outcomes
from qwop_wr.envs.snapshots import Snapshot
from qwop_wr.simulator import make_simulator


@pytest.fixture
def snapshot() -> Snapshot:
    """Five games: running, landed, fallen, low and late."""
    games = Snapshot.of(make_simulator("box2d", 5))
    games.ended[[1, 2]] = True
    games.landed[1] = True
    games.state[:, 0, 1] = [0.0, 2.0, 2.0, 1.4, 0.0]
    games.ticks[:] = [10, 10, 3000, 3000, 3000]
    return games


def test_each_game_has_at_most_one_outcome(snapshot: Snapshot) -> None:
    outcomes = Outcomes.of(snapshot, EnvironmentOptions(sink_height=1.3))
    assert outcomes.finished.tolist() == [False, True, False, False, False]
    assert outcomes.fallen.tolist() == [False, False, True, False, False]
    assert outcomes.sunk.tolist() == [False, False, False, True, False]
    assert outcomes.truncated.tolist() == [False, False, False, False, True]
    assert outcomes.failed.tolist() == [False, False, True, True, False]
    assert outcomes.terminated.tolist() == [False, True, True, True, False]


def test_nothing_sinks_without_a_height(snapshot: Snapshot) -> None:
    outcomes = Outcomes.of(snapshot, EnvironmentOptions())
    assert not outcomes.sunk.any()
    assert outcomes.truncated.tolist() == [False, False, False, True, True]


def test_head_first_into_the_pit_is_a_finish() -> None:
    games = Snapshot.of(make_simulator("box2d", 1))
    games.ended[0] = games.landed[0] = True
    outcomes = Outcomes.of(games, EnvironmentOptions())
    assert outcomes.finished[0]
    assert not outcomes.fallen[0]
    assert np.array_equal(outcomes.terminated, [True])
