"""How the engine's functions are compiled: strict IEEE arithmetic, cached, never silently."""

import functools
import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from numba import njit
from numba.core import event

from qwop_wr.simulator import anatomy, constants
from qwop_wr.simulator.code_cache import keep_code

logger = logging.getLogger(__name__)

Function = TypeVar("Function", bound=Callable[..., Any])

USUAL_SECONDS: Final = 40
"""How long a cold compilation takes on a common machine."""


def compiled(function: Function) -> Function:
    """Compile a function of the engine on first use.

    No fast mathematics and no contraction into fused operations: every
    operation rounds once, as in the original.

    Args:
        function: Function within Numba's subset of Python.

    Returns:
        The dispatcher that compiles it.
    """
    return cast("Function", njit(error_model="numpy", fastmath=False)(function))


def _fingerprint() -> int:
    folder = Path(__file__).parent
    anatomy_folder = Path(anatomy.__file__).parent
    sources = [
        *folder.glob("*.py"),
        *anatomy_folder.glob("*.py"),
        Path(constants.__file__),
    ]
    digest = hashlib.sha256()
    for source in sorted(sources):
        digest.update(source.read_bytes())
    return int.from_bytes(digest.digest()[:7], "big")


FINGERPRINT: Final = _fingerprint()
"""Changes with any source of the engine.

Numba's cache looks at the one file that holds the compiled function. Entry
points take this number into their closure, so that a change in any other file
is not answered with old code.
"""


@functools.cache
def _report_uncached(reason: str) -> None:
    logger.warning("the exact engine will be compiled again next time: %s", reason)


def entry_point(make: Callable[[int], Function]) -> Function:
    """Compile a function that Python calls: without the interpreter lock, and cached.

    Where no cache can be written the function is compiled in every process.

    Args:
        make: Returns the function, which must refer to the number that it was given.

    Returns:
        The dispatcher that compiles it on first use.
    """
    function = make(FINGERPRINT)
    dispatcher: Any = njit(error_model="numpy", fastmath=False, nogil=True)(function)
    keep_code(dispatcher, _report_uncached)
    return cast("Function", dispatcher)


class _FirstCompilation(event.Listener):
    """Says so when Numba begins to compile; code that the cache holds is not compiled."""

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
    """Say so if what happens inside is a compilation rather than a load from the cache."""
    with event.install_listener("numba:compile", _FirstCompilation()):
        yield
