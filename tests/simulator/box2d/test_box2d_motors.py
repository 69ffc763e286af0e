"""What the keys do, as PHYSICS says it, on the real joints."""

import pytest

from qwop_wr.simulator.box2d.motors import Motors
from qwop_wr.simulator.box2d.rules import ContactRules
from qwop_wr.simulator.box2d.world import World
from qwop_wr.simulator.keys import O, P, Q, W

JOINTS = ("right_hip", "left_hip", "right_shoulder", "left_shoulder", "right_knee", "left_knee")


@pytest.fixture
def world() -> World:
    return World(ContactRules())


@pytest.fixture
def motors(world: World) -> Motors:
    return Motors(world.joints)


@pytest.mark.parametrize(
    ("mask", "speeds"),
    [
        (0, (0, 0, 0, 0, 0, 0)),
        (Q, (2.5, -2.5, -2, 2, 0, 0)),
        (W, (-2.5, 2.5, 2, -2, 0, 0)),
        (O, (0, 0, 0, 0, 2.5, -2.5)),
        (P, (0, 0, 0, 0, -2.5, 2.5)),
        (Q | P, (2.5, -2.5, -2, 2, -2.5, 2.5)),
        (W | O, (-2.5, 2.5, 2, -2, 2.5, -2.5)),
    ],
)
@pytest.mark.parametrize("before", [0, Q | O, W | P])
def test_speeds(
    world: World, motors: Motors, mask: int, speeds: tuple[float, ...], before: int
) -> None:
    motors.press(before)
    motors.press(mask)
    assert tuple(world.joints[name].motorSpeed for name in JOINTS) == speeds


def limits(world: World) -> list[float]:
    left, right = world.joints["left_hip"], world.joints["right_hip"]
    return [left.lowerLimit, left.upperLimit, right.lowerLimit, right.upperLimit]


def test_hip_limits_outlast_the_calf_key(world: World, motors: Motors) -> None:
    assert limits(world) == pytest.approx([-1.5, 0.5, -1.3, 0.7])
    motors.press(O)
    assert limits(world) == pytest.approx([-1.0, 1.0, -1.3, 0.7])
    motors.press(W)
    assert limits(world) == pytest.approx([-1.0, 1.0, -1.3, 0.7])
    motors.press(P)
    motors.press(0)
    assert limits(world) == pytest.approx([-1.5, 0.5, -0.8, 1.2])
    assert motors.calf_key == P


def test_keys_wake_nobody(world: World, motors: Motors) -> None:
    for body in world.bodies.values():
        body.awake = False
    motors.press(Q | O)
    assert not any(body.awake for body in world.bodies.values())
    world.bodies["left_calf"].awake = True
    motors.press(W | P)
    assert [name for name, body in world.bodies.items() if body.awake] == ["left_calf"]


def test_switching_off_frees_hips_knees_and_shoulders(world: World, motors: Motors) -> None:
    motors.switch_off()
    limited = {name for name, joint in world.joints.items() if joint.limitEnabled}
    assert limited == {
        "neck",
        "left_elbow",
        "right_elbow",
        "left_ankle",
        "right_ankle",
        "hurdle_joint",
    }
    assert not any(joint.motorEnabled for joint in world.joints.values())
