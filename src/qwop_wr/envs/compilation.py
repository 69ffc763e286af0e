"""Compilation of observations and rewards."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from numba import njit

from qwop_wr.simulator import anatomy, constants, keys
from qwop_wr.simulator.code_cache import fingerprint, keep_code

logger = logging.getLogger(__name__)

SOURCES: Final = (
    Path(__file__).parent,
    Path(anatomy.__file__).parent,
    Path(constants.__file__),
    Path(keys.__file__),
)
"""Files and folders that the machine code is made from."""

_FINGERPRINT: Final = fingerprint(*SOURCES)

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compiles a function on first use and keeps the machine code if that is possible."""
    dispatcher: Any = njit(error_model="numpy")(function)
    keep_code(dispatcher, _FINGERPRINT, _report_uncached)
    return cast("Function", dispatcher)


def _report_uncached(reason: str) -> None:
    logger.debug("compiled code cannot be cached: %s", reason)
