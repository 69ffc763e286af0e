"""How observations and rewards are compiled, with a cache that may fail."""

import logging
from collections.abc import Callable
from pickle import UnpicklingError  # only the exception
from typing import Any, TypeVar, cast

from numba import njit
from numba.core.caching import FunctionCache

logger = logging.getLogger(__name__)

Function = TypeVar("Function", bound=Callable[..., Any])


_CACHE_FAULTS = (OSError, EOFError, UnpicklingError)


class _OptionalCache(FunctionCache):
    """Numba's cache on disk, for which an unusable folder or file is no error."""

    def load_overload(self, sig: object, target_context: object) -> object:
        try:
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        except _CACHE_FAULTS as error:
            logger.debug("cached code cannot be read: %s", error)
            return None

    def save_overload(self, sig: object, data: object) -> None:
        try:
            super().save_overload(sig, data)  # type: ignore[no-untyped-call]
        except _CACHE_FAULTS as error:
            logger.debug("compiled code cannot be cached: %s", error)


def compiled(function: Function) -> Function:
    """Compile a function on first use and keep the machine code if that is possible.

    Args:
        function: Function within Numba's subset of Python.

    Returns:
        The dispatcher that compiles it.
    """
    dispatcher: Any = njit(error_model="numpy")(function)
    try:
        dispatcher._cache = _OptionalCache(function)  # type: ignore[no-untyped-call]
    except (RuntimeError, OSError) as error:
        logger.debug("compiled code cannot be cached: %s", error)
    return cast("Function", dispatcher)
