"""The beam against a search that is obviously right, and what it does in special cases."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from qwop_wr.envs import EnvironmentOptions, Snapshot
from qwop_wr.search import BeamSearch, SearchBudget, SearchOptions
from qwop_wr.search.beam import Depth
from qwop_wr.search.starts import idle_prefix
from qwop_wr.simulator import make_simulator
from qwop_wr.simulator.tape import verify_tape
from tests.search.conftest import FINISH_TICK
from tests.search.guides import ENVIRONMENT, LinearGuide
from tests.search.naive import naive_search

GUIDE = LinearGuide()
HARD_RESET = idle_prefix(0)


def search(**options: Any) -> BeamSearch:
    return BeamSearch(GUIDE, ENVIRONMENT, SearchOptions(**{"width": 6, **options}))


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
    n_depths = 6
    watched: list[list[bytes]] = []

    def watch(depth: Depth) -> None:
        state = Snapshot.of(depth.simulator).state[depth.kept]
        watched.append([part.tobytes() for part in state])

    beam = search(**options)
    n_clones = 0
    for kept in _widths(beam, prefixes, n_depths):
        n_clones += kept * options.get("proposals", 3)
    result = beam.run(prefixes, 7, SearchBudget(clones=n_clones), watch=watch)
    expected, _ = naive_search(
        GUIDE, ENVIRONMENT, SearchOptions(width=6, **options), prefixes, 7, n_depths
    )
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
    env = EnvironmentOptions(ticks_per_action=4)
    result = BeamSearch(GUIDE, env, options).run([prefix], 3)
    _, best = naive_search(GUIDE, env, options, [prefix], 3, depths=20)
    assert result.ending == "finished"
    assert best is not None
    assert result.tape.ticks == len(best)
    assert result.tape.finished
    verify_tape(result.tape)


def test_a_finish_does_not_end_what_may_finish_earlier(finishing_keys: NDArray[np.uint8]) -> None:
    ahead, behind = finishing_keys[: FINISH_TICK - 9], finishing_keys[: FINISH_TICK - 40]
    beam = BeamSearch(GUIDE, ENVIRONMENT, SearchOptions(width=8, islands=2, sink_height=9.0))
    alone = beam.run([ahead], 3)
    both = beam.run([ahead, behind], 3)
    assert both.ending == "finished"
    assert both.depths > alone.depths


def test_same_seed_same_run() -> None:
    budget = SearchBudget(clones=600)
    runs = [search().run([HARD_RESET], seed, budget).tape for seed in (1, 1, 2)]
    assert runs[0] == runs[1]
    assert runs[0].state_sha256 != runs[2].state_sha256


def test_top_actions_need_no_luck() -> None:
    budget = SearchBudget(clones=300)
    first, second = (search(sampling="top").run([HARD_RESET], s, budget).tape for s in (1, 2))
    assert first == second


def test_islands_do_not_compete() -> None:
    fast, slow = HARD_RESET, idle_prefix(40)
    lengths = []

    def watch(depth: Depth) -> None:
        ticks = depth.simulator.ticks[depth.kept]
        lengths.append((int((ticks < 40).sum()), int((ticks >= 40).sum())))

    search(islands=2).run([fast, slow], 0, SearchBudget(clones=150), watch=watch)
    assert lengths[-1] == (3, 3)


def test_nothing_survives() -> None:
    result = search(sink_height=-0.9, width=2).run([HARD_RESET], 0)
    assert result.ending == "nothing survived"
    assert result.depths > 0
    assert result.tape.ticks == result.depths * ENVIRONMENT.ticks_per_action
    assert not result.tape.finished


def test_time_is_up() -> None:
    result = search().run([HARD_RESET], 0, SearchBudget(seconds=1e-9))
    assert result.ending == "budget used up"
    assert result.depths == 1


def test_stopped_by_the_caller() -> None:
    calls = iter([False, True])
    result = search().run([HARD_RESET], 0, stop=lambda: next(calls))
    assert (result.ending, result.depths) == ("stopped", 2)


def test_parts_of_the_time_are_told() -> None:
    result = search().run([HARD_RESET], 0, SearchBudget(clones=300))
    assert set(result.shares) == {"policy", "clone", "step", "observe", "value", "select"}
    assert 0 < sum(result.shares.values()) <= 1
    assert result.clones_per_second > 0


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


def test_nothing_survives_the_first_decision() -> None:
    with pytest.raises(ValueError, match="no state survives the first decision"):
        BeamSearch(GUIDE, EnvironmentOptions(), SearchOptions(max_ticks=1)).run([HARD_RESET], 0)


def test_budget_below_one_depth() -> None:
    with pytest.raises(ValueError, match="a budget of 2 clones does not suffice for one depth"):
        search().run([HARD_RESET], 0, SearchBudget(clones=2))


def test_sunken_start(finishing_keys: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="the torso is at"):
        search(sink_height=-0.9).run([finishing_keys[:100]], 0)


def test_box2d_is_searched_as_well() -> None:
    env = EnvironmentOptions(engine="box2d", ticks_per_action=4)
    result = BeamSearch(GUIDE, env, SearchOptions(width=4)).run(
        [HARD_RESET], 0, SearchBudget(clones=100)
    )
    assert result.tape.engine == "box2d"
    verify_tape(result.tape)


def test_the_opening_is_wider() -> None:
    kept = []

    def watch(depth: Depth) -> None:
        kept.append((int(depth.simulator.ticks[depth.kept[0]]), len(depth.kept)))

    beam = search(opening_ticks=20, opening_factor=3, cell=0.0)
    beam.run([HARD_RESET], 0, SearchBudget(clones=350), watch=watch)
    assert dict(kept)[16] == 18
    assert dict(kept)[20] == 6
