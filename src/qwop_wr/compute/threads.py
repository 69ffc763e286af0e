"""Threads of the libraries that compute: one per worker, or they would share its core."""

import ctypes
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_THREAD_VARIABLES: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_M_ARENA_MAX: Final = -8
"""The parameter's number in glibc's malloc.h."""
_N_ARENAS: Final = 2


class _Neighbours(threading.local):
    workers = 1


_neighbours = _Neighbours()


def join_workers(n: int) -> None:
    """Says that the calling thread is one of ``n`` workers that share the cores."""
    _neighbours.workers = n


def threads_of_own() -> int:
    """Returns in how many threads the calling one may compute: among workers an even share."""
    config = sys.modules.get("numba.core.config")
    n_threads = int(config.NUMBA_NUM_THREADS) if config else 1
    return max(1, n_threads // _neighbours.workers)


def limit_threads() -> None:
    """Keeps this process to one thread per library: workers share the cores."""
    # For what is imported from now on, and for what is there already.
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
    if config := sys.modules.get("numba.core.config"):
        config.NUMBA_NUM_THREADS = 1  # type: ignore[attr-defined]


def share_arenas() -> None:
    """Lets all threads take their memory from two arenas, where the C library is glibc.

    By default every new thread gets one of its own, up to eight per core, and what is freed there
    serves no other thread. The user's own ``MALLOC_ARENA_MAX`` counts.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None and "MALLOC_ARENA_MAX" not in os.environ:
        mallopt(_M_ARENA_MAX, _N_ARENAS)


@contextmanager
def single_thread() -> Iterator[None]:
    """Runs a block with one torch thread, if torch is imported, then restores their number."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
