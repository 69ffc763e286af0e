"""Every term against a sum done by hand."""

import numpy as np
import pytest
from pydantic import TypeAdapter

from qwop_wr.envs import Snapshot
from qwop_wr.envs.shaping import Step, Term, knee_heights, limit_distances
from qwop_wr.simulator import make_simulator
from qwop_wr.simulator.anatomy import JOINTS, PART_INDEX
from qwop_wr.simulator.keys import O, P, Q, W


def term(**options: object) -> Term:
    return TypeAdapter[Term](Term).validate_python(options)


def standing(n_games: int = 1) -> Snapshot:
    return Snapshot.of(make_simulator("exact", n_games))


def still(games: Snapshot) -> Step:
    """Two ticks in which nothing changes."""
    keys = np.zeros(len(games.ticks), dtype=np.uint8)
    return Step(games, games, keys, keys, np.full(len(keys), 2))


def moved(**fields: list[float]) -> Step:
    """Two ticks, after which the torsos are elsewhere; game by game."""
    n_games = len(next(iter(fields.values())))
    before, after = standing(n_games), standing(n_games)
    for name, values in fields.items():
        after.state[:, 0, {"x": 0, "y": 1}[name]] = values
    keys = np.zeros(n_games, dtype=np.uint8)
    return Step(before, after, keys, keys, np.full(n_games, 2))


def test_a_low_torso_is_charged_for_by_depth_and_tick() -> None:
    rewards = term(term="posture", weight=0.5, height=1.3).rewards(moved(y=[-1.0, 1.3, 2.3]))
    assert rewards == pytest.approx([0.0, 0.0, -0.5 * 1.0 * 2])


def test_an_upright_torso_is_paid_for_by_tick() -> None:
    rewards = term(term="upright", weight=0.5).rewards(moved(y=[-1.0, 1.3, 2.3]))
    assert rewards == pytest.approx([1.0, 1.0, 0.0])


def test_speed_is_paid_for_by_its_power() -> None:
    step = moved(x=[standing().state[0, 0, 0] + units for units in (2.0, -2.0)])
    # 0.2 m in 2/30 s are 3 m/s.
    assert term(term="speed", weight=2.0).rewards(step) == pytest.approx([2 * 9 * 2 / 30, 0])
    linear = term(term="speed", weight=2.0, exponent=1.0)
    assert linear.rewards(step) == pytest.approx([2 * 0.2, 0])


def test_every_key_pressed_or_released_is_charged_for() -> None:
    games = standing(4)
    before = np.array([0, Q | P, Q | P, Q], dtype=np.uint8)
    keys = np.array([Q | O, W | O, Q | P, W], dtype=np.uint8)
    step = Step(games, games, before, keys, np.array([2, 2, 2, 0]))
    # The last game has ended and holds no keys.
    assert term(term="energy", weight=0.1).rewards(step) == pytest.approx([-0.2, -0.4, 0, 0])


def test_low_knees_are_charged_for_by_depth() -> None:
    games = standing(2)
    games.state[1, :, 1] += 5.0
    step = still(games)
    rewards = term(term="knees", weight=1.0).rewards(step)
    assert rewards[0] == 0
    depths = 1.5 - knee_heights(games.state)[1]
    assert (depths > 0).all()
    assert rewards[1] == pytest.approx(-2 * depths.sum())
    deeper = term(term="knees", weight=1.0, height=2.5).rewards(step)
    assert deeper[1] == pytest.approx(rewards[1] - 2 * 2 * 1.0)


def test_joints_near_a_limit_are_charged_for() -> None:
    games = standing(3)
    joint = next(joint for joint in JOINTS if joint.name == "left_knee")
    angle = games.state[0, PART_INDEX["left_thigh"], 2] - joint.reference_angle
    for game, left in ((0, 0.5), (1, 0.1), (2, 0.0)):  # so far above the lower limit, -1.6
        games.state[game, PART_INDEX["left_calf"], 2] = angle - (joint.lower + left)
    step = still(games)
    options = {"term": "joint_limits", "weight": 0.5, "margin": 0.2, "joints": ["left_knee"]}
    assert term(**options).rewards(step) == pytest.approx([0, -0.5 * 0.5 * 2, -0.5 * 2])


def test_calf_keys_move_the_limits_of_the_hips() -> None:
    state = standing(3).state
    calf_key = np.array([0, O, P], dtype=np.uint8)
    distances = limit_distances(state, calf_key, ["left_hip"])[:, 0]
    # The hip stands at 0.04: up to 0.5 before any key and after P, up to 1 after O.
    assert distances == pytest.approx([0.46, 0.96, 0.46], abs=0.01)


def test_joints_stay_within_their_limits_in_play() -> None:
    game = make_simulator("exact")
    names = ["left_hip", "right_hip", "left_knee", "right_knee"]
    for mask in [Q | P] * 12 + [W | O] * 12 + [0] * 6:
        game.step(np.array([mask], dtype=np.uint8))
        distances = limit_distances(game.state, game.calf_key, names)
        # The solver lets a limit be passed by a little.
        assert distances.min() > -0.25
