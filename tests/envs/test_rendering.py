"""Drawing: shape, type, and that the picture shows what it should."""

import numpy as np
import pytest
from numpy.typing import NDArray

from qwop_wr.envs.rendering import Renderer
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


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    """A renderer that draws several pictures."""
    return Renderer()


def _draw(
    renderer: Renderer, simulator: Simulator, metres: float = 0.0, keys: int = 0
) -> NDArray[np.uint8]:
    state, hurdle = simulator.state[0], simulator.hurdle[0]
    state[:, 0] += metres * 10
    return renderer.draw(state, hurdle, metres, metres / 2, keys)


def test_pictures_are_repeatable(renderer: Renderer, simulator: Simulator) -> None:
    image = _draw(renderer, simulator, 12.3, Q)
    assert image.shape == (540, 960, 3)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, _draw(Renderer(), simulator, 12.3, Q))


def test_held_keys_light_up_where_they_are(renderer: Renderer, simulator: Simulator) -> None:
    idle, held = _draw(renderer, simulator), _draw(renderer, simulator, keys=Q | O)
    rows, columns = np.nonzero((idle != held).any(axis=2))
    assert rows.max() < 90
    assert {int(column) // 160 for column in columns} == {0, 5}


def test_the_camera_follows_the_torso(renderer: Renderer, simulator: Simulator) -> None:
    here, there = _draw(renderer, simulator, 20.0), _draw(renderer, simulator, 21.0)
    shirt = np.array((232, 74, 63))
    for image in (here, there):
        found = np.argwhere((image == shirt).all(axis=2))
        assert abs(found[:, 1].mean() - 360) < 25


def test_hurdle_and_sand_pit_come_into_view(renderer: Renderer, simulator: Simulator) -> None:
    sand, hurdle = np.array((238, 208, 146)), np.array((226, 62, 52))

    def shows(colour: NDArray[np.int64], metres: float) -> bool:
        return bool((_draw(renderer, simulator, metres) == colour).all(axis=2).any())

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
