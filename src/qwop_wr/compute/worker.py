"""What a worker process does, be it a pool's or Ray's."""

import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from qwop_wr.compute.job import Finished, WorkContext

_THREAD_VARIABLES: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def limit_threads() -> None:
    """Keep this process to one thread for every library: workers share the cores."""
    # For what is imported from now on, and for what is there already.
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
    if config := sys.modules.get("numba.core.config"):
        config.NUMBA_NUM_THREADS = 1  # type: ignore[attr-defined]


@contextmanager
def single_thread() -> Iterator[None]:
    """Run a block with one torch thread, if torch is there, then restore their number.

    Yields:
        Nothing.
    """
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


def work(function: Callable[..., Any], shared: Any, item: Any) -> Finished[Any]:  # noqa: ANN401
    """Do an item in a worker and measure it.

    Args:
        function: A job's function.
        shared: The job's shared data.
        item: The item.

    Returns:
        The result with what it cost.
    """
    context = WorkContext(lambda: False, in_process=False)
    started = time.perf_counter(), time.process_time()
    value = function(shared, item, context)
    return Finished(
        value,
        time.perf_counter() - started[0],
        time.process_time() - started[1],
        f"{socket.gethostname()}:{os.getpid()}",
    )
