"""Pictures of one game and of races."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from qwop_wr.envs.rendering import Lane, Overlay, Pace, draw_game, draw_race
from qwop_wr.envs.rendering.athlete import Pose
from qwop_wr.envs.single import QwopEnv
from qwop_wr.simulator import make_simulator
from qwop_wr.simulator.anatomy import JOINTS
from qwop_wr.simulator.base import Simulator
from qwop_wr.simulator.keys import O, Q


@pytest.fixture(scope="module")
def simulator() -> Simulator:
    """A game at its start."""
    return make_simulator("box2d")


def _draw(simulator: Simulator, metres: float = 0.0, keys: int = 0) -> NDArray[np.uint8]:
    state, hurdle = simulator.state[0], simulator.hurdle[0]
    state[:, 0] += metres * 10
    return draw_game(state, hurdle, metres, metres / 2, keys)


def test_pictures_are_repeatable(simulator: Simulator) -> None:
    image = _draw(simulator, 12.3, Q)
    assert image.shape == (540, 960, 3)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, _draw(simulator, 12.3, Q))


def test_held_keys_light_up_where_they_are(simulator: Simulator) -> None:
    idle, held = _draw(simulator), _draw(simulator, keys=Q | O)
    rows, columns = np.nonzero((idle != held).any(axis=2))
    assert rows.max() < 90
    assert {int(column) // 160 for column in columns} == {0, 5}


def test_the_camera_follows_the_torso(simulator: Simulator) -> None:
    here, there = _draw(simulator, 20.0), _draw(simulator, 21.0)
    shirt = np.array((232, 74, 63))
    for image in (here, there):
        found = np.argwhere((image == shirt).all(axis=2))
        assert abs(found[:, 1].mean() - 360) < 25


def test_hurdle_and_sand_pit_come_into_view(simulator: Simulator) -> None:
    sand, hurdle = np.array((238, 208, 146)), np.array((226, 62, 52))

    def shows(colour: NDArray[np.int64], metres: float) -> bool:
        return bool((_draw(simulator, metres) == colour).all(axis=2).any())

    assert [shows(hurdle, metres) for metres in (30.0, 49.0, 60.0)] == [False, True, False]
    assert [shows(sand, metres) for metres in (30.0, 90.0, 98.0)] == [False, False, True]


@pytest.mark.parametrize("joint", JOINTS, ids=lambda joint: joint.name)
def test_limbs_meet_at_the_joints(simulator: Simulator, joint: object) -> None:
    spec = next(candidate for candidate in JOINTS if candidate is joint)
    pose = Pose(simulator.state[0])
    other = pose.point(spec.body_b, *spec.anchor_b)
    assert pose.joint(spec.name) == pytest.approx(other, abs=0.05)


def test_environment_draws_only_if_asked() -> None:
    env = QwopEnv(engine="box2d")
    env.reset(seed=0)
    assert env.render() is None
    env = QwopEnv(engine="box2d", render_mode="rgb_array")
    env.reset(seed=0)
    before = env.render()
    env.step(5)
    after = env.render()
    assert before is not None
    assert after is not None
    assert (before != after).any()


RED, BLUE = (232, 74, 63), (52, 120, 208)


def lane(metres: float, keys: int = 0, result: str = "") -> Lane:
    simulator = make_simulator("box2d")
    state = simulator.state[0]
    state[:, 0] += 10 * metres
    return Lane("someone", state, simulator.hurdle[0], metres, keys, result)


def places(image: NDArray[np.uint8], colour: Sequence[int]) -> NDArray[np.int64]:
    """Rows and columns of the runners that have a colour, not of their names' discs."""
    found = np.argwhere((image == np.array(colour)).all(axis=2))
    return found[(found[:, 0] > 115) & (found[:, 0] < 515) & (found[:, 1] > 40)]


def test_the_leader_is_ahead_in_its_own_lane() -> None:
    image = draw_race([lane(20.0), lane(21.0)], 9.0)
    assert image.shape == (540, 960, 3)
    assert image.dtype == np.uint8
    red, blue = places(image, RED), places(image, BLUE)
    assert red[:, 0].max() < blue[:, 0].min()
    assert blue[:, 1].mean() - red[:, 1].mean() == pytest.approx(10 * 218 * 0.74 / 17.5, abs=8)


def test_pictures_of_races_are_repeatable() -> None:
    first = draw_race([lane(20.0), lane(21.0)], 9.0)
    np.testing.assert_array_equal(first, draw_race([lane(20.0), lane(21.0)], 9.0))


@pytest.mark.parametrize("count", [1, 3, 5])
def test_every_lane_shows_its_runner(count: int) -> None:
    image = draw_race([lane(30.0 + i) for i in range(count)], 9.0)
    shorts = np.argwhere((image == np.array((38, 48, 84))).all(axis=2))
    height = min(436 / count, 218)
    lanes_with_shorts = {int((row - 84) // height) for row, _ in shorts}
    assert lanes_with_shorts >= set(range(count))


def test_who_is_out_of_sight_is_pointed_at() -> None:
    image = draw_race([lane(60.0), lane(5.0)], 20.0)
    assert len(places(image, RED)) > 0
    assert len(places(image, BLUE)) == 0
    arrow = image[302 + 218 // 2 :, 10:24]
    assert (arrow == np.array(BLUE)).all(axis=2).any()


def test_keys_and_results_show() -> None:
    idle = draw_race([lane(1.0), lane(2.0)], 1.0)
    held = draw_race([lane(1.0, keys=Q | O), lane(2.0)], 1.0)
    rows, columns = np.nonzero((idle != held).any(axis=2))
    assert (rows.min() > 84, rows.max() < 115, columns.max() < 300) == (True, True, True)
    over = draw_race([lane(1.0, result="39.80 s"), lane(2.0)], 1.0)
    assert (over[90:112, 800:] != idle[90:112, 800:]).any()


def test_the_pace_runs_along_as_a_line() -> None:
    pace = Pace(20.0, "human record")
    race = [lane(20.0), lane(19.0)]
    without, beside = draw_race(race, 9.0), draw_race(race, 9.0, pace)
    rows, columns = np.nonzero((without != beside).any(axis=2)[120:500])
    assert columns.max() - columns.min() <= 3
    assert rows.max() > 350


def test_the_pace_is_where_it_is_in_the_near_picture() -> None:
    simulator = make_simulator("box2d")
    state = simulator.state[0]
    torso_x = state[0, 0]
    arguments = (state, simulator.hurdle[0], 0.3, 1.0)
    without = draw_game(*arguments)
    beside = draw_game(*arguments, pace=Pace(2.0, "record"))
    columns = np.nonzero((without != beside).any(axis=2)[200:430])[1]
    assert columns.mean() == pytest.approx(360 + 20 * (20.0 - torso_x), abs=2)
    gone = draw_game(*arguments, pace=Pace(90.0, "record"))
    rows = np.nonzero((without != gone).any(axis=2))[0]
    assert rows.max() < 90


def test_words_are_written_where_they_belong() -> None:
    simulator = make_simulator("box2d")
    arguments = (simulator.state[0], simulator.hurdle[0], 0.3, 1.0)
    bare = draw_game(*arguments)
    for overlay, box in (
        (Overlay(name="who"), (88, 115, 0, 200)),
        (Overlay(status="paused"), (88, 115, 800, 960)),
        (Overlay(hint="space"), (515, 540, 400, 560)),
        (Overlay(title="Finished"), (150, 260, 560, 940)),
    ):
        rows, columns = np.nonzero((bare != draw_game(*arguments, overlay=overlay)).any(axis=2))
        top, bottom, left, right = box
        assert top <= rows.min() <= rows.max() < bottom
        assert left <= columns.min() <= columns.max() < right


@pytest.mark.parametrize("count", [0, 6])
def test_lanes_are_counted(count: int) -> None:
    with pytest.raises(ValueError, match=f"1 to 5 lanes, got {count}"):
        draw_race([lane(1.0)] * count, 1.0)
