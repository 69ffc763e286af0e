"""Jobs in the caller's process."""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Any

from qwop_wr.compute.job import ComputeOptions, Finished, Job, Outcome, WorkContext, usable_cores
from qwop_wr.compute.threads import single_thread


class CallerBackend:
    """Runs items one after the other, in the caller's thread."""

    room = 1

    def __init__(self, job: Job[Any, Any, Any]) -> None:
        self._job = job
        self._waiting: deque[tuple[int, Any]] = deque()

    def __enter__(self) -> "CallerBackend":
        return self

    def __exit__(self, *error: object) -> None:
        self._waiting.clear()

    def submit(self, number: int, item: Any) -> None:  # noqa: ANN401
        """Queues an item; see ``Backend.submit``."""
        self._waiting.append((number, item))

    def wait(self) -> list[Outcome]:
        """Runs the oldest item; see ``Backend.wait``."""
        number, item = self._waiting.popleft()
        return [_done(self._job, number, item, lambda: False)]


class ThreadBackend:
    """Runs items in threads, for functions that release the interpreter's lock."""

    def __init__(self, job: Job[Any, Any, Any], options: ComputeOptions) -> None:
        self._job = job
        self._gone = threading.Event()
        self._under_way: dict[Future[Outcome], int] = {}
        self._limits = single_thread()
        n_threads = options.workers or usable_cores()
        # A thread that waits for the caller to take its results loses time.
        self.room = 2 * n_threads
        self._pool = ThreadPoolExecutor(n_threads, "job")

    def __enter__(self) -> "ThreadBackend":
        self._limits.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._gone.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._limits.__exit__(kind, error, traceback)

    def submit(self, number: int, item: Any) -> None:  # noqa: ANN401
        """Submits an item; see ``Backend.submit``."""
        future = self._pool.submit(_done, self._job, number, item, self._gone.is_set)
        self._under_way[future] = number

    def wait(self) -> list[Outcome]:
        """Waits for the first thread; see ``Backend.wait``."""
        ended, _ = wait(self._under_way, return_when=FIRST_COMPLETED)
        for future in ended:
            del self._under_way[future]
        return [future.result() for future in ended]


def _done(
    job: Job[Any, Any, Any],
    number: int,
    item: Any,  # noqa: ANN401
    stopped: Callable[[], bool],
) -> Outcome:
    started = time.perf_counter()
    try:
        value = job.function(job.shared, item, WorkContext(stopped, in_process=True))
    except Exception as error:
        return Outcome(number, error=error)
    return Outcome(number, Finished(value, time.perf_counter() - started, 0.0, ""))
