"""The hunt and the runs that it remembers."""

import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from qwop_wr.compute import SERIAL, ComputeOptions
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.search import SearchOptions
from qwop_wr.search.hunt import Archive, HuntOptions, HuntStep, RecordHunt, ReplayedRun, Section
from qwop_wr.search.options import RoundBudget
from qwop_wr.simulator.tape import Tape, verify_tape
from qwop_wr.stopping import stop_signals, stops_itself
from tests.search.guides import LinearGuide


@pytest.fixture(scope="module")
def tape(finishing_keys: NDArray[np.uint8]) -> Tape:
    return Tape.record(finishing_keys, platform="node")


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
    keys, height = ReplayedRun.replay(tape).prefix(30.0, multiple=4)
    assert len(keys) % 4 == 0
    game = tape.simulator()
    for mask in keys:
        game.step(np.array([mask], np.uint8))
    assert 29.0 < game.state[0, 0, 0] / 10 <= 30.5
    assert game.state[0, 0, 1] == height


def test_a_place_behind_the_finish_is_its_last_state(tape: Tape) -> None:
    keys, _ = ReplayedRun.replay(tape).prefix(500.0, multiple=1)
    assert len(keys) == tape.ticks - 1


ENV = EnvironmentOptions(platform="node", ticks_per_action=4)


def hunt(**options: Any) -> RecordHunt:
    settings = HuntOptions(
        **{
            "budget": RoundBudget(rounds=2),
            "first_width": 4,
            "max_width": 8,
            "search": SearchOptions(max_ticks=2050, sink_height=9.0),
            **options,
        }
    )
    return RecordHunt([LinearGuide(0), LinearGuide(1)], ENV, settings, seed=1)


def outcomes(steps: list[HuntStep]) -> list[tuple[str, int, str]]:
    return [(step.kind, step.width, step.result.tape.state_sha256) for step in steps]


def test_rounds_widen() -> None:
    steps = list(hunt(search=SearchOptions(max_ticks=60)).run())
    assert [(step.kind, step.width) for step in steps] == [("whole", 4)] * 2 + [("whole", 8)] * 2
    assert [step.searches for step in steps] == [1, 2, 3, 4]
    assert steps[-1].clones == sum(step.result.clones for step in steps)
    assert steps[-1].best is None


def test_a_hunt_ends_when_a_stop_is_requested() -> None:
    endless = hunt(budget=RoundBudget(rounds=10**6), search=SearchOptions(max_ticks=60))
    steps: list[HuntStep] = []

    def stop_in_the_second_round() -> None:
        with stops_itself():
            for step in endless.run():
                steps.append(step)
                if len(steps) == 3:
                    signal.raise_signal(signal.SIGTERM)

    with stop_signals(), pytest.raises(KeyboardInterrupt):
        stop_in_the_second_round()
    assert len(steps) == 4


def test_branches_improve_a_known_run(tape: Tape) -> None:
    sections = {"finish": Section(metres=(98.9, 99.1), value_weights=(0.1, 0.2))}
    options = {"whole_runs": 0, "branches": 3, "sections": sections, "first_width": 8}
    steps = list(hunt(**options, budget=RoundBudget(rounds=1)).run([tape]))
    assert {step.kind for step in steps} == {"finish"}
    best = steps[-1].best
    assert best is not None
    assert best.ticks < tape.ticks
    assert any(step.improved for step in steps)
    assert best.meta["made_by"] == "record_hunt"
    assert 0.1 <= best.meta["search"]["value_weight"] <= 0.2
    verify_tape(best)


def test_does_not_depend_on_the_number_of_threads() -> None:
    options = {"search": SearchOptions(max_ticks=60)}
    one, three = (list(hunt(**options).run(compute=ComputeOptions(workers=n))) for n in (1, 3))
    assert outcomes(one) == outcomes(three)


@pytest.mark.slow
def test_processes_find_the_same(tape: Tape) -> None:
    options = {"search": SearchOptions(max_ticks=60), "give_up_seconds": 1.0}
    there = ComputeOptions(backend="process", workers=2, short_seconds=0.0)
    rounds = {"budget": RoundBudget(rounds=1)}
    here, elsewhere = (list(hunt(**options, **rounds).run([tape], c)) for c in (SERIAL, there))
    assert outcomes(elsewhere) == outcomes(here)
    assert elsewhere[-1].core_seconds > 0


def test_searches_that_fall_behind_are_given_up() -> None:
    """The record is far ahead of whoever wanders about."""
    known = Tape.load(Path(__file__).parents[2] / "data/01_raw/record.node.qwop.json")
    whole = {"whole_runs": 2, "branches": 0, "budget": RoundBudget(rounds=1)}
    search = SearchOptions(max_ticks=600, sink_height=9.0)
    patient = list(hunt(**whole, search=search).run([known]))
    strict = list(hunt(**whole, search=search, give_up_seconds=0.5).run([known]))
    assert strict[-1].clones < patient[-1].clones
    assert {step.result.ending for step in strict} == {"stopped"}
    # Without a run that is known there is nothing to be behind.
    alone = list(hunt(**whole, search=search, give_up_seconds=0.5).run())
    assert outcomes(alone) == outcomes(list(hunt(**whole, search=search).run()))


def test_a_slower_run_is_no_improvement(tape: Tape) -> None:
    options = {"whole_runs": 1, "branches": 0, "search": SearchOptions(max_ticks=60)}
    (step,) = hunt(**options, budget=RoundBudget(rounds=1)).run([tape])
    assert step.best == tape
    assert not step.improved


def test_no_time_left() -> None:
    steps = list(hunt(budget=RoundBudget(minutes=1e-9)).run())
    assert steps == []


def test_the_last_round_fits_the_time() -> None:
    options = {"budget": RoundBudget(minutes=1.0), "first_width": 4, "max_width": 64}
    search = hunt(**options)
    assert search._next_width(4, spent=1.0, left=10.0) == 8
    assert search._next_width(64, spent=1.0, left=10.0) == 64
    assert search._next_width(16, spent=6.0, left=10.0) == 16
    assert search._next_width(16, spent=11.0, left=10.0) == 8
    assert search._next_width(4, spent=11.0, left=10.0) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"whole_runs": 0, "branches": 0}, "needs whole_runs, branches or both"),
        ({"first_width": 16}, "max_width 8 is below first_width 16"),
        ({"sections": {}}, "branches need at least one of sections"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        hunt(**options)


def test_a_budget_without_limit() -> None:
    with pytest.raises(ValidationError, match="needs minutes, rounds or both"):
        RoundBudget()
