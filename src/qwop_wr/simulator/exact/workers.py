"""Threads that share the groups of a batch; compiled code runs without the interpreter lock."""

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from numba.core import config

_SETTINGS: Final[Any] = config


@functools.lru_cache(maxsize=1)
def _pool(process: int, n_threads: int) -> ThreadPoolExecutor:
    # Threads do not survive a fork: a child process, which has another number,
    # makes its own.
    del process
    return ThreadPoolExecutor(n_threads, thread_name_prefix="qwop")


def share(work: Callable[[int, int], object], n_groups: int) -> None:
    """Calls ``work(first, last)``, ``last`` excluded, for parts of all groups at the same time."""
    n_threads = int(_SETTINGS.NUMBA_NUM_THREADS)
    n_parts = min(n_threads, n_groups)
    if n_parts < 2:
        work(0, n_groups)
        return
    bounds = [n_groups * part // n_parts for part in range(n_parts + 1)]
    pool = _pool(os.getpid(), n_threads)
    others = [pool.submit(work, bounds[part], bounds[part + 1]) for part in range(1, n_parts)]
    work(bounds[0], bounds[1])
    for other in others:
        other.result()
