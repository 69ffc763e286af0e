"""The engine is compiled once and kept; where it cannot be kept it works all the same."""

import logging
import time
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numba.core import config
from numba.core.caching import FunctionCache

from qwop_wr.simulator import code_cache
from qwop_wr.simulator.exact import ExactSimulator, compilation
from qwop_wr.simulator.exact.batch import advance


def compiled_variants() -> int:
    dispatcher: Any = advance
    return len(dispatcher.signatures)


def test_no_argument_makes_the_engine_compile_anew() -> None:
    simulator, other = ExactSimulator(3), ExactSimulator(3)
    known = compiled_variants()
    other.step(np.array([1, 0, 2, 0, 9, 0], dtype=np.uint8)[::2], cast("int", np.int32(5)))
    frozen = np.array([1, 2, 9], dtype=np.uint8)
    frozen.flags.writeable = False
    simulator.step(frozen, 5)
    assert simulator.state.tobytes() == other.state.tobytes()
    assert compiled_variants() == known


def add_one(number: int) -> int:
    return number + 1


@pytest.mark.parametrize("error", [RuntimeError("no locator available"), OSError("read-only")])
def test_an_unwritable_cache_is_no_error(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise error

    compilation._report_uncached.cache_clear()
    monkeypatch.setattr(code_cache, "CodeCache", refuse)
    with caplog.at_level(logging.WARNING):
        add = compilation.entry_point(add_one)
        compilation.entry_point(add_one)
    assert add(1) == 2
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
        add = compilation.entry_point(add_one)
        assert add(2) == 3
    assert "no space left on device" in caplog.text


def test_only_a_compilation_is_announced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    with caplog.at_level(logging.WARNING), compilation.announced():
        assert compilation.entry_point(add_one)(2) == 3
        assert compilation.entry_point(add_one)(True) == 2
    assert caplog.text.count("compiling the exact engine, about") == 1
    caplog.clear()
    # The same code once more comes from the cache, however long that takes.
    with caplog.at_level(logging.WARNING), compilation.announced():
        assert compilation.entry_point(add_one)(2) == 3
        time.sleep(2.5)
    assert caplog.text == ""
