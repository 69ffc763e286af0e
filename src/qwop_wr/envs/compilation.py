"""How observations and rewards are compiled, with a cache that may fail."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

from qwop_wr.simulator.code_cache import keep_code

logger = logging.getLogger(__name__)

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile a function on first use and keep the machine code if that is possible.

    Args:
        function: Function within Numba's subset of Python.

    Returns:
        The dispatcher that compiles it.
    """
    dispatcher: Any = njit(error_model="numpy")(function)
    keep_code(dispatcher, _report_uncached)
    return cast("Function", dispatcher)


def _report_uncached(reason: str) -> None:
    logger.debug("compiled code cannot be cached: %s", reason)
