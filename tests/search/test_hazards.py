"""Where a coach looks closer."""

import pytest

from qwop_wr.envs import Snapshot
from qwop_wr.search.hazards import HazardOptions
from qwop_wr.simulator import make_simulator


@pytest.mark.parametrize(
    ("torso", "hurdle", "reached"),
    [
        (7.9, 50.1, True),  # the start
        (8.1, 50.1, False),
        (47.5, 50.1, False),
        (47.7, 50.1, True),  # the hurdle, where it stands
        (54.0, 50.1, True),
        (54.2, 50.1, False),
        (75.0, 73.5, True),  # and where it was dragged
        (75.0, 70.9, False),
    ],
)
def test_the_start_and_wherever_the_hurdle_is(torso: float, hurdle: float, reached: bool) -> None:
    games = Snapshot.of(make_simulator("exact", 2))
    games.state[1, 0, 0] = 10.0 * torso
    games.hurdle[1, 1, 0] = 10.0 * hurdle
    assert HazardOptions().reached(games).tolist() == [True, reached]
