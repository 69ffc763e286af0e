"""The world as built: bodies, joints, tiles and the hurdle."""

import pytest

from qwop_wr.simulator.anatomy import (
    GROUND,
    HURDLE,
    HURDLE_JOINT,
    JOINTS,
    PARTS,
    BodySpec,
    JointSpec,
)
from qwop_wr.simulator.box2d.rules import ContactRules
from qwop_wr.simulator.box2d.world import World


@pytest.fixture
def world() -> World:
    return World(ContactRules())


@pytest.mark.parametrize("spec", [*HURDLE, *PARTS], ids=lambda spec: spec.name)
def test_bodies_are_as_measured(world: World, spec: BodySpec) -> None:
    body = world.bodies[spec.name]
    (fixture,) = body.fixtures
    assert body.mass == pytest.approx(spec.mass, rel=1e-6)
    assert body.inertia == pytest.approx(spec.inertia, rel=1e-6)
    assert tuple(body.localCenter) == (0.0, 0.0)
    assert tuple(body.position) == pytest.approx(spec.position, rel=1e-6)
    assert body.angle == pytest.approx(spec.angle, rel=1e-6)
    assert fixture.friction == pytest.approx(spec.friction)
    assert fixture.restitution == 0.0
    assert fixture.filterData.categoryBits == spec.category
    assert fixture.filterData.maskBits == spec.mask
    assert fixture.shape.radius == pytest.approx(0.005)
    assert body.awake == (spec in PARTS)


@pytest.mark.parametrize("spec", [HURDLE_JOINT, *JOINTS], ids=lambda spec: spec.name)
def test_joints_are_as_measured(world: World, spec: JointSpec) -> None:
    joint = world.joints[spec.name]
    body_a, body_b = world.bodies[spec.body_a], world.bodies[spec.body_b]
    assert tuple(body_a.GetLocalPoint(joint.anchorA)) == pytest.approx(spec.anchor_a, abs=1e-4)
    assert tuple(body_b.GetLocalPoint(joint.anchorB)) == pytest.approx(spec.anchor_b, abs=1e-4)
    assert joint.GetReferenceAngle() == pytest.approx(spec.reference_angle, rel=1e-6)
    assert (joint.lowerLimit, joint.upperLimit) == pytest.approx((spec.lower, spec.upper))
    assert joint.limitEnabled
    assert joint.motorEnabled == spec.motor
    assert joint.GetMaxMotorTorque() == spec.max_torque
    assert not joint.collideConnected


def test_world_is_set_up_as_the_games(world: World) -> None:
    assert tuple(world.physics.gravity) == (0.0, 10.0)
    assert not world.physics.continuousPhysics
    assert not world.physics.autoClearForces
    assert world.physics.bodyCount == len(GROUND) + len(HURDLE) + len(PARTS)
    assert world.physics.jointCount == 1 + len(JOINTS)


def test_recreating_leaves_one_runner_at_the_start(world: World) -> None:
    for _ in range(50):
        world.physics.Step(0.04, 5, 5)
    world.recreate_runner()
    assert world.physics.bodyCount == len(GROUND) + len(HURDLE) + len(PARTS)
    assert world.physics.jointCount == 1 + len(JOINTS)
    for spec in (*HURDLE, *PARTS):
        assert tuple(world.bodies[spec.name].position) == pytest.approx(spec.position, rel=1e-6)


@pytest.mark.parametrize("first", [-1, 0, 1, 31])
def test_tiles_lie_side_by_side(world: World, first: int) -> None:
    world.place_tiles(first)
    tiles = [body for body in world.physics.bodies if body.fixtures[0].friction and not body.mass]
    found = sorted(body.position.x for body in tiles if body.position.y > 10.0)
    assert found == [32.0 * first, 32.0 * (first + 1), 32.0 * (first + 2)]
