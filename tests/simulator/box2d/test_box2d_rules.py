"""Keys and motors; falls, jumps and landings."""

import Box2D
import pytest

from qwop_wr.simulator.box2d.rules import ContactRules, Motors, displayed_distance, role_of
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


UPPER_BODY = ["head", "left_arm", "left_forearm", "right_arm", "right_forearm"]
HARMLESS = ["torso", "left_thigh", "left_calf", "right_thigh", "right_calf", "right_foot"]


def drop(rules: ContactRules, part: str, x: float, ground: str = "track1") -> None:
    """Let a box of 2 x 2 units fall flat onto the ground at x."""
    world = Box2D.b2World(gravity=(0, 10), contactListener=rules)
    for name, y, half_width in ((ground, 10.0, 50.0), (part, 7.5, 1.0)):
        body = Box2D.b2BodyDef(
            type=Box2D.b2_dynamicBody if name == part else Box2D.b2_staticBody,
            position=(x, y),
            fixtures=Box2D.b2FixtureDef(
                shape=Box2D.b2PolygonShape(box=(half_width, 1.0)),
                density=1.0,
                userData=role_of(name),
            ),
        )
        world.CreateBody(body)
    for _ in range(30):
        world.Step(0.04, 5, 5)
    assert world.contacts[0].touching


@pytest.mark.parametrize("part", UPPER_BODY)
@pytest.mark.parametrize("x", [100.0, 1003.0])
def test_upper_body_on_the_ground_is_a_fall_without_a_jump(part: str, x: float) -> None:
    rules = ContactRules()
    drop(rules, part, x)
    assert (rules.fallen, rules.landed) == (True, False)


@pytest.mark.parametrize("part", HARMLESS)
def test_other_parts_may_touch_the_ground_anywhere(part: str) -> None:
    rules = ContactRules()
    rules.jumped = True
    drop(rules, part, 1005.0)
    assert not rules.fallen
    assert not rules.landed


@pytest.mark.parametrize(
    ("x", "jumped", "landed"),
    [
        (500.0, False, False),
        (987.9, False, False),
        (988.1, True, False),
        (998.9, True, False),
        (999.1, True, True),
    ],
)
def test_left_foot_counts_with_its_rightmost_point(x: float, jumped: bool, landed: bool) -> None:
    rules = ContactRules()
    drop(rules, "left_foot", x)
    assert (rules.jumped, rules.landed, rules.fallen) == (jumped, landed, False)


def test_landing_score_is_where_the_foot_came_down() -> None:
    rules = ContactRules()
    drop(rules, "left_foot", 1005.7)
    assert rules.landing_score == 100.7
    drop(rules, "left_foot", 1010.0)
    assert rules.landing_score == 100.7


def test_head_first_into_the_sand_is_a_success_after_a_jump() -> None:
    rules = ContactRules()
    drop(rules, "left_foot", 995.0)
    drop(rules, "head", 1003.0)
    assert (rules.fallen, rules.landed, rules.landing_score) == (True, True, 100.4)


def test_a_fallen_runner_cannot_land() -> None:
    rules = ContactRules()
    drop(rules, "right_arm", 300.0)
    drop(rules, "left_foot", 1003.0)
    assert not rules.jumped
    assert not rules.landed


@pytest.mark.parametrize("part", ["head", "left_foot"])
@pytest.mark.parametrize("ground", ["block", "hurdle_top"])
def test_only_tiles_are_ground(part: str, ground: str) -> None:
    rules = ContactRules()
    drop(rules, part, 1003.0, ground)
    assert not rules.fallen
    assert not rules.jumped


def test_clearing_forgets_everything() -> None:
    rules = ContactRules()
    drop(rules, "left_foot", 1003.0)
    rules.clear()
    assert not rules.fallen
    assert not rules.jumped
    assert not rules.landed


@pytest.mark.parametrize(
    ("x", "metres"), [(2.5, 0.3), (2.49, 0.2), (-0.5, 0.0), (-0.51, -0.1), (1000.0, 100.0)]
)
def test_displayed_distance_rounds_half_up(x: float, metres: float) -> None:
    assert displayed_distance(x) == metres
