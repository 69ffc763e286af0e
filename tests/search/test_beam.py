"""The beam against a search that is obviously right; proposals, selection, and special cases."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from qwop_wr.envs import EnvironmentOptions, Snapshot
from qwop_wr.search import BeamSearch, SearchOptions
from qwop_wr.search.beam import Depth, Selector, propose_actions
from qwop_wr.search.tapes import idle_prefix
from qwop_wr.simulator import make_simulator
from qwop_wr.simulator.tape import verify_tape
from tests.search.conftest import FINISH_TICK
from tests.search.guides import ENVIRONMENT, LinearGuide
from tests.search.naive import naive_search

LOGITS = np.log([[0.6, 0.3, 0.1]])


def test_without_a_generator_the_best() -> None:
    assert propose_actions(LOGITS, 2, 5.0, None).tolist() == [[0, 1]]


def test_all_if_more_are_wanted_than_there_are() -> None:
    actions = propose_actions(LOGITS, 9, 1.0, np.random.default_rng(0))
    assert sorted(actions[0].tolist()) == [0, 1, 2]


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_frequencies_are_those_of_drawing_without_repetition(temperature: float) -> None:
    rng = np.random.default_rng(3)
    actions = propose_actions(np.repeat(LOGITS, 40_000, axis=0), 2, temperature, rng)
    weights = np.array([0.6, 0.3, 0.1]) ** (1 / temperature)
    weights /= weights.sum()
    assert np.bincount(actions[:, 0]) / 40_000 == pytest.approx(weights, abs=0.01)
    pairs = (actions[:, 0] == 0) & (actions[:, 1] == 1)
    assert pairs.mean() == pytest.approx(weights[0] * weights[1] / (1 - weights[0]), abs=0.01)


OBSERVATIONS = np.array([[0.0, 0.0], [0.01, 0.0], [1.0, 0.0], [1.0, 0.04], [2.0, 1.0]], np.float32)
SCORES = np.array([1.0, 2.0, 5.0, 4.0, 3.0])
ONE_ISLAND = np.zeros(5, np.int64)


@pytest.mark.parametrize(
    ("scores", "islands", "cell", "width", "expected"),
    [
        pytest.param(SCORES, ONE_ISLAND, 0.0, 3, [2, 3, 4], id="best first"),
        pytest.param(SCORES, ONE_ISLAND, 0.1, 5, [2, 4, 1], id="near duplicates once"),
        pytest.param(SCORES, np.array([1, 1, 0, 0, 0]), 0.1, 2, [2, 1], id="a share per island"),
        pytest.param(np.zeros(5), ONE_ISLAND, 0.0, 2, [0, 1], id="equal scores in order"),
        pytest.param(SCORES[:0], ONE_ISLAND[:0], 0.1, 2, [], id="nobody"),
    ],
)
def test_survivors(
    scores: np.ndarray, islands: np.ndarray, cell: float, width: int, expected: list[int]
) -> None:
    n_islands = int(islands.max(initial=0)) + 1
    selector = Selector(2, n_islands, cell)
    kept = selector.select(scores, OBSERVATIONS[: len(scores)], islands, width)
    assert kept.tolist() == expected


def test_equal_states_of_two_islands_both_survive() -> None:
    selector = Selector(2, n_islands=2, cell=0.1)
    kept = selector.select(np.ones(2), np.zeros((2, 2), np.float32), np.array([0, 1]), 2)
    assert kept.tolist() == [0, 1]


GUIDE = LinearGuide()
HARD_RESET = idle_prefix(0)


def search(env: EnvironmentOptions = ENVIRONMENT, **options: Any) -> BeamSearch:
    return BeamSearch(GUIDE, env, SearchOptions(**{"width": 6, **options}))


@pytest.mark.parametrize(
    ("options", "prefixes"),
    [
        ({}, [HARD_RESET]),
        ({"cell": 0.5, "proposals": 4}, [HARD_RESET]),
        ({"cell": 0.0, "temperature": 0.2, "value_weight": 0.1}, [HARD_RESET]),
        ({"islands": 3}, [HARD_RESET, idle_prefix(2)]),
        ({"islands": 2}, [idle_prefix(1), idle_prefix(2), idle_prefix(5)]),
    ],
)
def test_equals_the_naive_search(
    options: dict[str, Any], prefixes: list[NDArray[np.uint8]]
) -> None:
    check_against_naive(ENVIRONMENT, options, prefixes)


@pytest.mark.parametrize(
    "rewards",
    [
        {"metre_reward": 30.0},
        {"reward": "qwop_gym", "speed_reward": 0.4},
        {"reward": "qwop_gym", "speed_reward": 0.0, "time_cost": 50.0},
    ],
)
def test_scores_are_in_the_rewards_of_the_environment(rewards: dict[str, Any]) -> None:
    env = EnvironmentOptions.model_validate({**ENVIRONMENT.model_dump(), **rewards})
    check_against_naive(env, {"proposals": 9, "cell": 0.0}, [HARD_RESET])


def check_against_naive(
    env: EnvironmentOptions, options: dict[str, Any], prefixes: list[NDArray[np.uint8]]
) -> None:
    n_depths = 6
    watched: list[list[bytes]] = []

    def watch(depth: Depth) -> None:
        state = Snapshot.of(depth.simulator).state[depth.kept]
        watched.append([part.tobytes() for part in state])

    beam = search(env, **options)
    n_clones = 0
    for kept in _widths(beam, prefixes, n_depths):
        n_clones += kept * options.get("proposals", 3)
    result = beam.run(prefixes, 7, max_clones=n_clones, watch=watch)
    expected, _ = naive_search(GUIDE, env, SearchOptions(width=6, **options), prefixes, 7, n_depths)
    assert result.depths == n_depths
    assert result.ending == "budget used up"
    states = [_state_after(keys) for keys in expected]
    assert watched[-1] == states
    assert tuple(result.tape.per_tick_keys.tolist()) in expected


def _widths(beam: BeamSearch, prefixes: list[NDArray[np.uint8]], n_depths: int) -> list[int]:
    """How many parents each depth has."""
    widths = [max(len(prefixes), beam._options.islands)]

    def watch(depth: Depth) -> None:
        widths.append(len(depth.kept))

    beam.run(prefixes, 7, stop=lambda: len(widths) > n_depths, watch=watch)
    return widths[:n_depths]


def _state_after(keys: tuple[int, ...]) -> bytes:
    game = make_simulator("exact")
    for mask in keys:
        game.step(np.array([mask], np.uint8))
    state: bytes = game.state[0].tobytes()
    return state


def test_finish_equals_the_naive_search(finishing_keys: NDArray[np.uint8]) -> None:
    prefix = finishing_keys[: FINISH_TICK - 11]
    options = SearchOptions(width=4, sink_height=9.0)
    env = EnvironmentOptions(platform="node", ticks_per_action=4)
    result = BeamSearch(GUIDE, env, options).run([prefix], 3)
    _, best = naive_search(GUIDE, env, options, [prefix], 3, depths=20)
    assert result.ending == "finished"
    assert best is not None
    assert result.tape.ticks == len(best)
    assert result.tape.finished
    verify_tape(result.tape)


def test_a_finish_does_not_end_what_may_finish_earlier(finishing_keys: NDArray[np.uint8]) -> None:
    ahead, behind = finishing_keys[: FINISH_TICK - 9], finishing_keys[: FINISH_TICK - 40]
    env = EnvironmentOptions(platform="node", ticks_per_action=4)
    beam = BeamSearch(GUIDE, env, SearchOptions(width=8, islands=2, sink_height=9.0))
    alone = beam.run([ahead], 3)
    both = beam.run([ahead, behind], 3)
    assert both.ending == "finished"
    assert both.depths > alone.depths


def test_same_seed_same_run() -> None:
    runs = [search().run([HARD_RESET], seed, max_clones=600).tape for seed in (1, 1, 2)]
    assert runs[0] == runs[1]
    assert runs[0].state_sha256 != runs[2].state_sha256


def test_top_actions_need_no_luck() -> None:
    top = search(sampling="top")
    first, second = (top.run([HARD_RESET], seed, max_clones=300).tape for seed in (1, 2))
    assert first == second


def test_islands_do_not_compete() -> None:
    fast, slow = HARD_RESET, idle_prefix(40)
    lengths = []

    def watch(depth: Depth) -> None:
        ticks = depth.simulator.ticks[depth.kept]
        lengths.append((int((ticks < 40).sum()), int((ticks >= 40).sum())))

    search(islands=2).run([fast, slow], 0, max_clones=150, watch=watch)
    assert lengths[-1] == (3, 3)


def test_nothing_survives() -> None:
    result = search(sink_height=-0.9, width=2).run([HARD_RESET], 0)
    assert result.ending == "nothing survived"
    assert result.depths > 0
    assert result.tape.ticks == result.depths * ENVIRONMENT.ticks_per_action
    assert not result.tape.finished


def test_stopped_by_the_caller() -> None:
    calls = iter([False, True])
    result = search().run([HARD_RESET], 0, stop=lambda: next(calls))
    assert (result.ending, result.depths) == ("stopped", 2)


def test_parts_of_the_time_are_told() -> None:
    result = search().run([HARD_RESET], 0, max_clones=300)
    assert set(result.shares) == {"policy", "clone", "step", "observe", "value", "select"}
    assert 0 < sum(result.shares.values()) <= 1


@pytest.mark.parametrize(
    ("prefixes", "message"),
    [
        ([], "at least one start"),
        ([np.full(200, 4, np.uint8)], r"start 0: its prefix of 200 ticks falls in tick \d+"),
        ([idle_prefix(i) for i in range(7)], "7 starts do not fit into width 6 with 1 islands"),
    ],
)
def test_wrong_starts(prefixes: list[NDArray[np.uint8]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        search().run(prefixes, 0)


def test_limits_below_one_depth() -> None:
    with pytest.raises(ValueError, match="no state survives the first decision"):
        search(max_ticks=1).run([HARD_RESET], 0)
    with pytest.raises(ValueError, match="a budget of 2 clones does not suffice for one depth"):
        search().run([HARD_RESET], 0, max_clones=2)


def test_sunken_start(finishing_keys: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="the torso is at"):
        search(sink_height=-0.9).run([finishing_keys[:100]], 0)


def test_box2d_is_searched_as_well() -> None:
    env = EnvironmentOptions(engine="box2d", ticks_per_action=4)
    result = BeamSearch(GUIDE, env, SearchOptions(width=4)).run([HARD_RESET], 0, max_clones=100)
    assert result.tape.engine == "box2d"
    verify_tape(result.tape)


def test_the_opening_is_wider() -> None:
    kept = []

    def watch(depth: Depth) -> None:
        kept.append((int(depth.simulator.ticks[depth.kept[0]]), len(depth.kept)))

    beam = search(opening_ticks=20, opening_factor=3, cell=0.0)
    beam.run([HARD_RESET], 0, max_clones=350, watch=watch)
    assert dict(kept)[16] == 18
    assert dict(kept)[20] == 6
