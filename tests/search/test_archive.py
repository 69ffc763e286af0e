"""The fastest runs and the states along them."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from qwop_wr.search.archive import Archive, Run
from qwop_wr.simulator import make_simulator
from qwop_wr.simulator.tape import Tape


@pytest.fixture(scope="module")
def tape(finishing_keys: NDArray[np.uint8]) -> Tape:
    return Tape.record(finishing_keys)


def slower(tape: Tape, ticks: int) -> Tape:
    return replace(
        tape, ticks=tape.ticks + ticks, keys=((0, ticks), *tape.keys), state_sha256=f"{ticks:064x}"
    )


def test_fastest_first_and_each_once(tape: Tape) -> None:
    archive = Archive(2, [slower(tape, 3), slower(tape, 2)])
    assert archive.add(tape)
    assert not archive.add(tape)
    assert not archive.add(slower(tape, 1))
    assert [run.tape.ticks - tape.ticks for run in archive.runs] == [0, 1]
    assert archive.best == tape


def test_what_did_not_finish_is_no_run(tape: Tape) -> None:
    assert not Archive(2).add(replace(tape, finished=False))
    assert Archive(2).best is None


def test_a_prefix_leads_to_its_place(tape: Tape) -> None:
    keys, height = Run.replay(tape).prefix(30.0, multiple=4)
    assert len(keys) % 4 == 0
    game = make_simulator("exact")
    for mask in keys:
        game.step(np.array([mask], np.uint8))
    assert 29.0 < game.state[0, 0, 0] / 10 <= 30.5
    assert game.state[0, 0, 1] == height


def test_a_place_behind_the_finish_is_its_last_state(tape: Tape) -> None:
    keys, _ = Run.replay(tape).prefix(500.0, multiple=1)
    assert len(keys) == tape.ticks - 1
