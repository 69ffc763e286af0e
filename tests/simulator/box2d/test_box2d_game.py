"""The game's course on Box2D, held against the original where that is possible."""

import numpy as np
import pytest
from numpy.typing import NDArray

from qwop_wr.simulator.anatomy import HURDLE, PART_INDEX, PARTS
from qwop_wr.simulator.box2d.game import BODY_NAMES, Game
from qwop_wr.simulator.keys import O, W

TORSO, HEAD = BODY_NAMES.index("torso"), BODY_NAMES.index("head")
HURDLE_TOP = BODY_NAMES.index("hurdle_top")

# x, y, angle in the original, without keys, of torso, head, left foot and right foot.
GOLDEN = {
    0: [
        (2.51106, -1.85481, -1.25147),
        (3.88802, -5.60594, 0.06434),
        (3.92688, 8.10504, 0.12010),
        (-1.12528, 7.58312, 0.58996),
    ],
    5: [
        (2.51355, -1.53672, -1.25065),
        (3.88244, -5.28971, 0.05499),
        (3.91148, 8.38449, 0.05806),
        (-1.15559, 7.81554, 0.54803),
    ],
    20: [
        (2.23270, -1.11947, -1.22276),
        (4.21509, -4.51927, 0.61579),
        (3.78801, 8.46832, -0.00165),
        (-1.24430, 8.08057, 0.27392),
    ],
    40: [
        (2.14184, -1.07315, -1.21852),
        (3.59429, -4.79033, 0.05557),
        (3.75189, 8.46502, -0.00067),
        (-1.28616, 8.04883, 0.30030),
    ],
}


def bodies(game: Game) -> NDArray[np.float64]:
    out = np.empty((len(BODY_NAMES), 6))
    game.read_bodies(out)
    return out


def carry(game: Game, dx: float, dy: float = 0.0) -> None:
    """Put the runner elsewhere as it is, camera included."""
    for spec in PARTS:
        body = game._world.bodies[spec.name]
        body.position = (body.position.x + dx, body.position.y + dy)
    game.camera_x += 20 * dx


def tiles(game: Game) -> list[float]:
    return [tile.position.x for tile in game._world._tiles]


@pytest.mark.parametrize(("tick", "tolerance"), [(0, 1e-4), (5, 0.01), (20, 0.3), (40, 0.45)])
def test_first_ticks_are_near_the_originals(tick: int, tolerance: float) -> None:
    game = Game()
    game.play(0, tick)
    parts = [PART_INDEX[name] for name in ("torso", "head", "left_foot", "right_foot")]
    np.testing.assert_allclose(bodies(game)[parts, :3], GOLDEN[tick], rtol=0, atol=tolerance)


def test_without_accumulated_torque_the_head_goes_astray() -> None:
    accumulating, clearing = Game(), Game()
    clearing._world.physics.autoClearForces = True
    for game in (accumulating, clearing):
        game.play(0, 40)
    in_original = GOLDEN[40][1][2]
    assert abs(bodies(accumulating)[HEAD, 2] - in_original) < 0.1
    assert abs(bodies(clearing)[HEAD, 2] - in_original) > 0.3


def test_holding_o_falls_when_the_original_does() -> None:
    game = Game()
    game.play(O, 200)
    assert game.ended
    assert game.rules.fallen
    assert not game.rules.landed
    assert game.ticks == pytest.approx(47, abs=3)
    assert game.score == pytest.approx(0.5, abs=0.2)
    assert not any(joint.motorEnabled for joint in game._world.joints.values())


def test_falling_asleep_loses_the_accumulated_torque() -> None:
    game = Game()
    for _ in range(1500):
        game.play(W, 1)
        if not game._world.bodies["torso"].awake:
            break
    assert not bodies(game)[: len(PARTS), 3:].any()
    assert game.head_torque == 0.0
    angle = bodies(game)[HEAD, 2]
    game.play(W, 1)
    assert game.head_torque == pytest.approx(-4 * (angle + 0.2))
    assert game._world.bodies["torso"].awake


def test_camera_and_tiles_follow_the_runner() -> None:
    game = Game()
    assert tiles(game) == [-32.0, 0.0, 32.0]
    carry(game, 100.0)
    game.play(0, 20)
    assert game.camera_x == pytest.approx((bodies(game)[TORSO, 0] - 14) * 20)
    assert tiles(game) == [64.0, 96.0, 128.0]
    assert game.foot_contacts == (True, True)


def test_camera_only_rises_with_a_torso_above_its_ceiling() -> None:
    game = Game()
    carry(game, 100.0, -40.0)
    before = game.camera_x
    game.play(0, 3)
    assert bodies(game)[TORSO, 1] < -5.0
    assert game.camera_x == before


def test_camera_stays_where_the_runner_fell() -> None:
    game = Game()
    game.play(O, 46)
    while not game.ended:
        before = game.camera_x
        game.play(O, 1)
    assert game.rules.fallen
    assert game.camera_x == before


@pytest.mark.parametrize(
    ("dx", "jumped", "landed"),
    [(900.0, False, False), (983.0, False, False), (988.0, True, False), (1000.0, True, True)],
)
def test_left_foot_jumps_and_lands(dx: float, jumped: bool, landed: bool) -> None:
    game = Game()
    carry(game, dx)
    game.play(0, 15)
    assert (game.rules.jumped, game.rules.landed) == (jumped, landed)
    assert game.ended == landed
    assert not game.rules.fallen


def test_landing_stops_clock_and_score_at_the_foot() -> None:
    game = Game()
    carry(game, 1000.0)
    game.play(0, 50)
    assert game.ended
    assert game.ticks < 15
    assert game.score == pytest.approx(100.5, abs=0.11)
    assert game.score > np.floor(bodies(game)[TORSO, 0] + 0.5) / 10
    clock = game.score_time
    game.play(0, 50)
    assert game.score_time == clock


@pytest.mark.parametrize("dx", [0.0, 470.0, 490.0])
def test_hurdle_sleeps_until_it_is_touched(dx: float) -> None:
    game = Game()
    carry(game, dx)
    game.play(0, 60)
    for row, spec in zip(bodies(game)[-2:], HURDLE, strict=True):
        assert row[:3] == pytest.approx((*spec.position, spec.angle), rel=1e-6)
        assert not row[3:].any()
        assert not game._world.bodies[spec.name].awake


def test_a_runner_that_comes_near_does_not_wake_the_hurdle() -> None:
    game = Game()
    hurdle = game._world.bodies["hurdle_top"]
    carry(game, 488.0)
    ticks_near = 0
    for _ in range(500):
        carry(game, 0.02)
        game.play(0, 1)
        if game.rules.hurdle_touched:
            break
        ticks_near += len(hurdle.contacts)
        assert not hurdle.awake
    assert ticks_near > 0
    assert hurdle.awake


def test_hurdle_falls_when_run_into() -> None:
    game = Game()
    carry(game, 497.5)
    game.play(0, 100)
    assert game.rules.hurdle_touched
    assert game._world.bodies["hurdle_top"].awake
    assert abs(bodies(game)[HURDLE_TOP, 0] - HURDLE[1].position[0]) > 0.1


def test_a_reset_puts_the_hurdle_up_again() -> None:
    for soft in (False, True):
        game = Game()
        carry(game, 497.5)
        game.play(0, 100)
        game.reset(soft)
        np.testing.assert_allclose(bodies(game), bodies(Game()), atol=1e-5)
        assert tiles(game) == [-32.0, 0.0, 32.0]


def test_clones_replay_soft_resets_and_everything_since() -> None:
    game = Game()
    rng = np.random.default_rng(0)
    for soft_resets in range(3):
        for mask in rng.integers(0, 16, 30).tolist():
            game.play(mask, 3)
        clone = game.clone()
        np.testing.assert_array_equal(bodies(clone), bodies(game))
        assert (clone.ticks, clone.head_torque) == (game.ticks, game.head_torque)
        assert clone._history == game._history
        assert sum(1 for mask, _ in game._history if mask < 0) == soft_resets
        game.reset(soft=True)
    game.reset()
    assert game._history == []
