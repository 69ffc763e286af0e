"""Compilation of the engine's functions: strict IEEE arithmetic, cached, never silent."""

import functools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from numba import njit
from numba.core import event

from qwop_wr.simulator import anatomy, constants, keys, platforms
from qwop_wr.simulator.code_cache import fingerprint, keep_code

logger = logging.getLogger(__name__)

Function = TypeVar("Function", bound=Callable[..., Any])

USUAL_SECONDS: Final = 40
"""Duration of a cold compilation on a common machine."""


def compiled(function: Function) -> Function:
    """Compiles a function of the engine on first use.

    Without fast mathematics or contraction into fused operations: every operation rounds
    once, as in the original.
    """
    return cast("Function", njit(error_model="numpy", fastmath=False)(function))


SOURCES: Final = (
    Path(__file__).parent,
    Path(anatomy.__file__).parent,
    Path(constants.__file__),
    Path(keys.__file__),
    Path(platforms.__file__),
)
"""Files and folders that the engine's machine code is made from."""

_FINGERPRINT: Final = fingerprint(*SOURCES)


@functools.cache
def _report_uncached(reason: str) -> None:
    logger.warning("the exact engine will be compiled again next time: %s", reason)


def entry_point(function: Function) -> Function:
    """Compiles a function that Python calls: without the interpreter lock, and cached.

    Where no cache can be written the function is compiled in every process.
    """
    dispatcher: Any = njit(error_model="numpy", fastmath=False, nogil=True)(function)
    keep_code(dispatcher, _FINGERPRINT, _report_uncached)
    return cast("Function", dispatcher)


class _FirstCompilation(event.Listener):
    """Logs when Numba begins to compile; code that the cache holds is not compiled."""

    def __init__(self) -> None:
        self._is_told = False

    def on_start(self, event: event.Event) -> None:
        if not self._is_told:
            self._is_told = True
            logger.warning("compiling the exact engine, about %d s, once", USUAL_SECONDS)

    def on_end(self, event: event.Event) -> None:
        pass


@contextmanager
def announced() -> Iterator[None]:
    """Logs a warning if code is compiled inside rather than loaded from the cache."""
    with event.install_listener("numba:compile", _FirstCompilation()):
        yield
