"""What every engine must do, whatever its physics."""

import numpy as np
import pytest
from numpy.typing import NDArray

from qwop_wr.simulator import ENGINES, Simulator, make_simulator
from qwop_wr.simulator.anatomy import PART_INDEX, PARTS
from qwop_wr.simulator.constants import CLOCK_STEP, START_CAMERA_PX
from qwop_wr.simulator.keys import O, P, Q, W, effective_keys

Keys = NDArray[np.uint8]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def masks(*values: int) -> Keys:
    return np.array(values, dtype=np.uint8)


def random_keys(seed: int, length: int, n_games: int = 1) -> Keys:
    """Random keys held for four ticks each, shape (length, n_games)."""
    rng = np.random.default_rng(seed)
    held = rng.integers(0, 16, size=(length // 4 + 1, n_games), dtype=np.uint8)
    return np.repeat(held, 4, axis=0)[:length]


def everything(simulator: Simulator) -> dict[str, NDArray[np.generic]]:
    names = (
        "state hurdle score_time score ticks fallen jumped landed ended camera_x "
        "head_torque calf_key foot_contacts touching"
    )
    return {name: np.array(getattr(simulator, name)) for name in names.split()}


def assert_same_games(
    left: Simulator, left_games: list[int], right: Simulator, right_games: list[int]
) -> None:
    """Every observable of the games is equal to the bit."""
    theirs = everything(right)
    for name, values in everything(left).items():
        ours, other = values[left_games], theirs[name][right_games]
        assert ours.tobytes() == other.tobytes(), name


def test_unknown_engine_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'bullet'.*'exact', 'box2d'"):
        make_simulator("bullet")


def test_shapes_and_types(engine: str) -> None:
    simulator = make_simulator(engine, 3)
    expected = {
        "state": ((3, 12, 6), np.float64),
        "hurdle": ((3, 2, 6), np.float64),
        "score_time": ((3,), np.float64),
        "score": ((3,), np.float64),
        "ticks": ((3,), np.int64),
        "fallen": ((3,), np.bool_),
        "jumped": ((3,), np.bool_),
        "landed": ((3,), np.bool_),
        "ended": ((3,), np.bool_),
        "camera_x": ((3,), np.float64),
        "head_torque": ((3,), np.float64),
        "calf_key": ((3,), np.uint8),
        "foot_contacts": ((3, 2), np.bool_),
        "touching": ((3,), np.int64),
    }
    found = everything(simulator)
    assert found.keys() == expected.keys()
    for name, (shape, kind) in expected.items():
        assert (found[name].shape, found[name].dtype) == (shape, np.dtype(kind)), name
    assert simulator.engine == engine
    assert simulator.version


def test_a_new_game_has_run_the_tick_of_its_reset(engine: str) -> None:
    simulator = make_simulator(engine, 2)
    assert simulator.ticks.tolist() == [0, 0]
    assert simulator.score_time.tolist() == [CLOCK_STEP, CLOCK_STEP]
    assert not (simulator.fallen | simulator.jumped | simulator.landed | simulator.ended).any()
    np.testing.assert_allclose(simulator.camera_x, (simulator.state[:, 0, 0] - 14) * 20)
    assert simulator.camera_x[0] != START_CAMERA_PX
    for spec in PARTS:
        x, y, angle = simulator.state[0, PART_INDEX[spec.name], :3]
        assert (x, y) == pytest.approx(spec.position, abs=0.02)
        assert angle == pytest.approx(spec.angle, abs=0.01)
        assert y != spec.position[1]


def test_arrays_are_copies(engine: str) -> None:
    simulator = make_simulator(engine)
    before = everything(simulator)
    kept = {name: values.copy() for name, values in before.items()}
    simulator.step(masks(W | O), 10)
    for name, values in before.items():
        np.testing.assert_array_equal(values, kept[name])
    simulator.state[:] = 0.0
    assert simulator.state.any()


def test_no_ticks_change_nothing(engine: str) -> None:
    simulator, other = make_simulator(engine), make_simulator(engine)
    simulator.step(masks(Q), 0)
    assert_same_games(simulator, [0], other, [0])


def test_holding_is_repeating(engine: str) -> None:
    held, repeated = make_simulator(engine, 2), make_simulator(engine, 2)
    for keys in random_keys(0, 120, 2)[::4]:
        held.step(keys, 4)
        for _ in range(4):
            repeated.step(keys)
    assert_same_games(held, [0, 1], repeated, [0, 1])


def test_clock_and_ticks_advance_together(engine: str) -> None:
    simulator = make_simulator(engine)
    simulator.step(masks(0), 30)
    assert simulator.ticks[0] == 30
    assert simulator.score_time[0] == pytest.approx(31 / 30)


@pytest.mark.parametrize("mask", [Q | W, O | P, Q | W | P, Q | W | O | P, W | O | P])
def test_q_beats_w_and_o_beats_p(engine: str, mask: int) -> None:
    simulator = make_simulator(engine, 2)
    simulator.step(masks(mask, effective_keys(mask)), 40)
    assert_same_games(simulator, [0], simulator, [1])


def test_a_game_does_not_depend_on_its_batch(engine: str) -> None:
    keys = random_keys(1, 160, 5)
    batch = make_simulator(engine, 5)
    for row in keys:
        batch.step(row)
    for game in range(5):
        alone = make_simulator(engine)
        for row in keys:
            alone.step(row[game : game + 1])
        assert_same_games(alone, [0], batch, [game])


def test_games_that_ended_stand_still(engine: str) -> None:
    simulator = make_simulator(engine, 2)
    simulator.step(masks(O, 0), 80)
    assert simulator.ended.tolist() == [True, False]
    assert simulator.fallen.tolist() == [True, False]
    still, moving = everything(simulator), simulator.state[1]
    simulator.step(masks(W | P, 0), 5)
    for name, values in everything(simulator).items():
        np.testing.assert_array_equal(values[0], still[name][0], err_msg=name)
    assert not np.array_equal(simulator.state[1], moving)
    assert simulator.ticks[1] == 85


def test_calf_key_outlasts_its_release(engine: str) -> None:
    simulator = make_simulator(engine)
    seen = []
    for mask in (Q, O, 0, W, P, 0, O | P):
        simulator.step(masks(mask))
        seen.append(int(simulator.calf_key[0]))
    assert seen == [0, O, O, O, P, P, O]


def test_head_torque_adds_up_over_the_ticks(engine: str) -> None:
    simulator = make_simulator(engine)
    start = next(spec.angle for spec in PARTS if spec.name == "head")
    expected = -4 * (start + 0.2)
    assert simulator.head_torque[0] == pytest.approx(expected)
    for _ in range(40):
        expected += -4 * (simulator.state[0, PART_INDEX["head"], 2] + 0.2)
        simulator.step(masks(0))
        assert simulator.head_torque[0] == pytest.approx(expected)


def test_feet_find_the_ground(engine: str) -> None:
    simulator = make_simulator(engine)
    assert not simulator.foot_contacts.any()
    assert simulator.touching[0] == 0
    simulator.step(masks(0), 40)
    assert simulator.foot_contacts.all()
    assert simulator.touching[0] >= 2


def test_hard_reset_is_a_new_game(engine: str) -> None:
    used, fresh = make_simulator(engine, 3), make_simulator(engine)
    for row in random_keys(2, 150, 3):
        used.step(row)
    used.reset([0, 2])
    assert used.ticks.tolist() == [0, 150 if not used.ended[1] else used.ticks[1], 0]
    assert_same_games(used, [0], fresh, [0])
    assert_same_games(used, [2], fresh, [0])
    for mask in (W | O, Q | P):
        used.step(np.full(3, mask, dtype=np.uint8), 20)
        fresh.step(masks(mask), 20)
    assert_same_games(used, [0], fresh, [0])


def test_reset_leaves_the_other_games_alone(engine: str) -> None:
    simulator = make_simulator(engine, 2)
    simulator.step(masks(W | O, W | O), 10)
    before = everything(simulator)
    simulator.reset([0])
    for soft in (False, True):
        simulator.reset([], soft)
    for name, values in everything(simulator).items():
        np.testing.assert_array_equal(values[1], before[name][1], err_msg=name)
    assert simulator.ticks.tolist() == [0, 10]


def test_soft_reset_begins_a_new_episode(engine: str) -> None:
    simulator, fresh = make_simulator(engine), make_simulator(engine)
    simulator.step(masks(O), 80)
    assert simulator.ended[0]
    simulator.reset(soft=True)
    assert not simulator.ended[0]
    assert not simulator.fallen[0]
    assert simulator.calf_key[0] == 0
    np.testing.assert_allclose(simulator.state, fresh.state, atol=1e-5)
    np.testing.assert_allclose(simulator.hurdle, fresh.hurdle, atol=1e-5)
    np.testing.assert_allclose(simulator.head_torque, fresh.head_torque)
    np.testing.assert_array_equal(simulator.score_time, fresh.score_time)


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_clones_continue_to_the_same_bits(engine: str, seed: int) -> None:
    source, other = make_simulator(engine, 2), make_simulator(engine, 3)
    before = int(np.random.default_rng(seed).integers(1, 60))
    for row in random_keys(seed, 40, 2):
        source.step(row)
    source.reset([0], soft=True)
    for row in random_keys(seed + 100, before, 2):
        source.step(row)
    other.step(masks(Q, W, O), 7)
    other.copy_games(source, [0, 1, 0], [2, 0, 1])
    assert_same_games(other, [2, 0, 1], source, [0, 1, 0])
    for row in random_keys(seed + 200, 80, 2):
        source.step(row)
        other.step(row[[1, 0, 0]])
    assert_same_games(other, [2, 0, 1], source, [0, 1, 0])


def test_games_can_change_places(engine: str) -> None:
    simulator, twin = make_simulator(engine, 2), make_simulator(engine, 2)
    for one in (simulator, twin):
        one.step(masks(W | O, Q | P), 12)
    simulator.copy_games(simulator, [1, 0], [0, 1])
    assert_same_games(simulator, [1, 0], twin, [0, 1])
    simulator.step(masks(Q, W), 12)
    twin.step(masks(W, Q), 12)
    assert_same_games(simulator, [1, 0], twin, [0, 1])


def test_clone_of_an_ended_game_stands_still(engine: str) -> None:
    simulator = make_simulator(engine, 2)
    simulator.step(masks(O, 0), 80)
    simulator.copy_games(simulator, [0], [1])
    simulator.step(masks(W, W), 10)
    assert_same_games(simulator, [1], simulator, [0])
    assert simulator.ended.all()


@pytest.mark.parametrize("seed", range(4))
def test_runners_hold_together_under_random_keys(engine: str, seed: int) -> None:
    simulator = make_simulator(engine, 8)
    torso, head = PART_INDEX["torso"], PART_INDEX["head"]
    neck = np.hypot(*(simulator.state[0, torso, :2] - simulator.state[0, head, :2]))
    for row in random_keys(seed, 200, 8):
        simulator.step(row)
        assert np.isfinite(simulator.state).all()
        offset = simulator.state[:, torso, :2] - simulator.state[:, head, :2]
        distance = np.hypot(offset[:, 0], offset[:, 1])
        assert (np.abs(distance - neck) < 1.0).all()
        assert (simulator.state[:, :, 1] < 10.0).all()
        np.testing.assert_array_equal(
            simulator.score, np.floor(simulator.state[:, torso, 0] + 0.5) / 10
        )


@pytest.mark.parametrize(
    ("keys", "ticks", "message"),
    [
        ([0, 0], 1, "uint8"),
        (np.zeros(2), 1, "uint8"),
        (np.zeros(3, dtype=np.uint8), 1, r"\(2,\)"),
        (np.zeros((2, 1), dtype=np.uint8), 1, r"\(2,\)"),
        (masks(0, 16), 1, "16"),
        (masks(0, 255), 1, "255"),
        (masks(0, 0), -1, "ticks must not be negative, got -1"),
        (masks(0, 0), 1.5, r"ticks must be an integer, got 1\.5"),
        (masks(0, 0), "2", "ticks must be an integer, got '2'"),
        (masks(0, 0), None, "ticks must be an integer, got None"),
        (None, 1, "uint8"),
    ],
)
def test_bad_steps_are_refused(engine: str, keys: Keys, ticks: int, message: str) -> None:
    simulator = make_simulator(engine, 2)
    with pytest.raises(ValueError, match=message):
        simulator.step(keys, ticks)
    assert simulator.ticks.tolist() == [0, 0]


@pytest.mark.parametrize("games", [[2], [-1], [0, 7], [0.5], [[0]], [True], ["0"]])
def test_unknown_games_are_refused(engine: str, games: list[int]) -> None:
    simulator = make_simulator(engine, 2)
    with pytest.raises(ValueError, match="game"):
        simulator.reset(games)
    with pytest.raises(ValueError, match="game"):
        simulator.copy_games(simulator, games, games)


def test_bad_copies_are_refused(engine: str) -> None:
    simulator = make_simulator(engine, 2)
    with pytest.raises(ValueError, match="2 source games do not fit 1"):
        simulator.copy_games(simulator, [0, 1], [0])
    with pytest.raises(ValueError, match="twice"):
        simulator.copy_games(simulator, [0, 1], [1, 1])
    with pytest.raises(ValueError, match="source must be a simulator, got a str"):
        simulator.copy_games("games", [0], [1])  # type: ignore[arg-type]


def test_engines_do_not_mix() -> None:
    exact, box2d = (make_simulator(engine) for engine in ENGINES)
    with pytest.raises(ValueError, match="'exact' to 'box2d'"):
        box2d.copy_games(exact, [0], [0])


def test_platforms_do_not_mix() -> None:
    chromium, node = (make_simulator("exact", platform=name) for name in ("chromium", "node"))
    assert (make_simulator("exact").platform, node.platform) == ("chromium", "node")
    with pytest.raises(ValueError, match="platform 'node' to 'chromium'"):
        chromium.copy_games(node, [0], [0])
    with pytest.raises(ValueError, match=r"'safari'.*'chromium', 'firefox', 'chromium110', 'node'"):
        make_simulator("exact", platform="safari")


def test_box2d_is_alike_on_all_platforms() -> None:
    games = [make_simulator("box2d", platform=name) for name in ("chromium", "node")]
    assert [game.platform for game in games] == [None, None]
    games[0].copy_games(games[1], [0], [0])


@pytest.mark.parametrize("n_games", [0, -1])
def test_there_is_at_least_one_game(engine: str, n_games: int) -> None:
    with pytest.raises(ValueError, match=f"n_games.*{n_games}"):
        make_simulator(engine, n_games)


@pytest.mark.parametrize("hold", [Q, W, O, P])
def test_a_held_key_gets_nobody_anywhere(engine: str, hold: int) -> None:
    simulator = make_simulator(engine)
    simulator.step(masks(hold), 600)
    assert abs(simulator.score[0]) < 3.0
    assert not simulator.landed[0]
