"""Many searches on all cores."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from qwop_wr.agents.threads import single_torch_thread
from qwop_wr.search.result import SearchResult

Search = Callable[[Callable[[], bool]], SearchResult]
"""A search ready to run; it is given what to ask whether to stop early."""


def usable_cores() -> int:
    """Count the processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_searches(
    searches: Sequence[Search],
    n_threads: int | None = None,
    stop: Callable[[], bool] | None = None,
) -> Iterator[SearchResult]:
    """Run independent searches side by side.

    Engine and networks compute without the interpreter's lock, so that threads
    suffice. What a search finds does not depend on their number. If the caller
    goes away, searches under way stop at their next depth.

    Args:
        searches: What to run.
        n_threads: Searches at a time; the number of usable cores if omitted.
        stop: Asked by all searches, after every depth, whether to stop early.

    Yields:
        Results in the order of the searches.
    """
    gone = threading.Event()

    def stopped() -> bool:
        return gone.is_set() or (stop is not None and stop())

    with single_torch_thread(), ThreadPoolExecutor(n_threads or usable_cores(), "search") as pool:
        pending = [pool.submit(search, stopped) for search in searches]
        try:
            for future in pending:
                yield future.result()
        finally:
            gone.set()
            for future in pending:
                future.cancel()
