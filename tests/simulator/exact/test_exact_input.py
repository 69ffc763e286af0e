"""Wrong input is named, and nothing crashes."""

import dataclasses
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numba.core import config
from numba.core.caching import FunctionCache

from qwop_wr.simulator import code_cache
from qwop_wr.simulator.box2d import Box2DSimulator
from qwop_wr.simulator.exact import ExactSimulator, compilation
from qwop_wr.simulator.exact.batch import advance


@pytest.fixture
def simulator() -> ExactSimulator:
    return ExactSimulator(3)


def test_keys_and_ticks(simulator: ExactSimulator) -> None:
    with pytest.raises(ValueError, match="0 to 15, got 16"):
        simulator.step(np.array([0, 16, 0], dtype=np.uint8))
    with pytest.raises(ValueError, match=r"shape \(3,\), got \(2,\)"):
        simulator.step(np.zeros(2, dtype=np.uint8))
    with pytest.raises(ValueError, match="uint8, got float64"):
        simulator.step(np.zeros(3))
    with pytest.raises(ValueError, match="negative, got -1"):
        simulator.step(np.zeros(3, dtype=np.uint8), ticks=-1)
    with pytest.raises(ValueError, match=r"integer, got 1\.5"):
        simulator.step(np.zeros(3, dtype=np.uint8), ticks=1.5)  # type: ignore[arg-type]


def test_no_ticks_change_nothing(simulator: ExactSimulator) -> None:
    before = simulator.state
    simulator.step(np.full(3, 9, dtype=np.uint8), ticks=0)
    assert simulator.state.tobytes() == before.tobytes()


def test_games(simulator: ExactSimulator) -> None:
    with pytest.raises(ValueError, match="no game 3; games are 0 to 2"):
        simulator.reset([3])
    with pytest.raises(ValueError, match="no game -1"):
        simulator.snapshot([-1])
    with pytest.raises(ValueError, match="at least 1, got 0"):
        ExactSimulator(0)
    simulator.reset([])
    simulator.reset([], soft=True)


def test_copies(simulator: ExactSimulator) -> None:
    with pytest.raises(ValueError, match="box2d"):
        simulator.copy_games(Box2DSimulator(1), [0], [0])
    with pytest.raises(ValueError, match="twice"):
        simulator.copy_games(simulator, [0, 1], [2, 2])
    with pytest.raises(ValueError, match="1 source games do not fit 2"):
        simulator.copy_games(simulator, [0], [1, 2])


def test_snapshots(simulator: ExactSimulator) -> None:
    snapshot = simulator.snapshot([0, 1])
    with pytest.raises(ValueError, match=r"version '0'.*now at '1'"):
        simulator.restore(dataclasses.replace(snapshot, version="0"), [0, 1])
    with pytest.raises(ValueError, match="platform 'node', the games are on 'chromium'"):
        simulator.restore(ExactSimulator(2, "node").snapshot(), [0, 1])
    with pytest.raises(ValueError, match="2 games does not fit 3"):
        simulator.restore(snapshot)
    with pytest.raises(ValueError, match="2 games cannot have 8 bytes"):
        simulator.restore(dataclasses.replace(snapshot, memory=bytes(8)), [0, 1])
    with pytest.raises(ValueError, match="snapshot of the exact engine"):
        simulator.restore("snapshot", [0])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no game 5"):
        simulator.restore(snapshot, [0, 5])


def test_what_was_read_does_not_change(simulator: ExactSimulator) -> None:
    names = "state hurdle score_time score ticks ended camera_x head_torque calf_key touching"
    before = {name: getattr(simulator, name) for name in names.split()}
    kept = {name: values.copy() for name, values in before.items()}
    simulator.step(np.full(3, 9, dtype=np.uint8), 60)
    for name, values in before.items():
        assert values.tobytes() == kept[name].tobytes(), name


def compiled_variants() -> int:
    dispatcher: Any = advance
    return len(dispatcher.signatures)


def test_no_argument_makes_the_engine_compile_anew(simulator: ExactSimulator) -> None:
    known = compiled_variants()
    other = ExactSimulator(3)
    other.step(np.array([1, 0, 2, 0, 9, 0], dtype=np.uint8)[::2], cast("int", np.int32(5)))
    frozen = np.array([1, 2, 9], dtype=np.uint8)
    frozen.flags.writeable = False
    simulator.step(frozen, 5)
    assert simulator.state.tobytes() == other.state.tobytes()
    assert compiled_variants() == known


def adder(fingerprint: int) -> Callable[[int], int]:
    def add(number: int) -> int:
        return number + fingerprint

    return add


@pytest.mark.parametrize("error", [RuntimeError("no locator available"), OSError("read-only")])
def test_an_unwritable_cache_is_no_error(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(function: object, report: object) -> None:
        raise error

    compilation._report_uncached.cache_clear()
    monkeypatch.setattr(code_cache, "CodeCache", refuse)
    with caplog.at_level(logging.WARNING):
        add = compilation.entry_point(adder)
        compilation.entry_point(adder)
    assert add(1) == compilation.FINGERPRINT + 1
    assert caplog.text.count("will be compiled again next time") == 1


def test_a_disk_that_fills_up_is_no_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    compilation._report_uncached.cache_clear()
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(FunctionCache, "save_overload", fail)
    with caplog.at_level(logging.WARNING):
        add = compilation.entry_point(adder)
        assert add(2) == compilation.FINGERPRINT + 2
    assert "no space left on device" in caplog.text


def test_a_long_start_is_announced(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(compilation, "SILENT_SECONDS", 0.0)
    with caplog.at_level(logging.WARNING), compilation.announced():
        for _ in range(1000):
            if caplog.text:
                break
            time.sleep(0.01)
    assert caplog.text.count("compiling the exact engine, about") == 1
