"""An ordered map over items, with equal results wherever they run; in this process, at first."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from typing import Any

from tqdm import tqdm

from qwop_wr.compute.job import (
    Backend,
    ComputeOptions,
    Finished,
    ItemError,
    ItemT,
    Job,
    Outcome,
    ResultT,
    SharedT,
    WorkContext,
    usable_cores,
)
from qwop_wr.compute.processes import ProcessBackend
from qwop_wr.compute.threads import join_workers, single_thread
from qwop_wr.errors import BadInputError

logger = logging.getLogger(__name__)

_AHEAD = 4
"""Factor on the room for items that limits the results waiting for an earlier one."""


def settle(options: ComputeOptions, name: str, core_seconds: float) -> ComputeOptions:
    """Returns the options, or those of this process for short work, and logs that.

    ``core_seconds`` is about how long one core takes for the work called ``name`` [s].
    """
    if options.backend == "serial" or core_seconds >= options.short_seconds:
        return options
    logger.info(
        "%s: about %.0f s of one core's work stays in this process (compute.short_seconds = %g)",
        name,
        core_seconds,
        options.short_seconds,
    )
    return options.model_copy(update={"backend": "serial"})


def run_job(
    job: Job[SharedT, ItemT, ResultT],
    items: Sequence[ItemT],
    options: ComputeOptions,
    progress: bool = True,
) -> Iterator[Finished[ResultT]]:
    """Runs a job's items and yields the results in the items' order.

    When the caller leaves, by Ctrl-C for instance, running items are stopped. After an error
    no more items are started, but the results of all items before it are still yielded, so
    that the first failure is the same everywhere, whichever item ends first.

    Raises:
        ItemError: If the function raised something; names the first such item.
        BadInputError: If the function raised that, or the workers are not available.
    """
    outcomes: dict[int, Outcome] = {}
    submitted, following, end = 0, 0, len(items)
    backend = open_backend(job, options, len(items))
    with (
        backend,
        tqdm(total=len(items), desc=job.name, unit=f" {job.unit}", disable=not progress) as bar,
    ):
        while following < len(items):
            room = backend.room
            under_way = submitted - following - len(outcomes)
            limit = min(end, submitted + room - under_way, following + _AHEAD * room)
            for number in range(submitted, limit):
                backend.submit(number, items[number])
            submitted = max(submitted, limit)
            for outcome in backend.wait():
                outcomes[outcome.number] = outcome
                if outcome.error is not None:
                    end = min(end, outcome.number)
                    place = job.describe(items[outcome.number])
                    logger.warning("%s, %s has failed; nothing more is begun", job.name, place)
                bar.update()
            while following in outcomes:
                yield result_of(job, items[following], outcomes.pop(following))
                following += 1


@contextmanager
def connected(options: ComputeOptions) -> Iterator[None]:
    """Stays connected to the cluster, if there is one, for a block with several jobs.

    Raises:
        BadInputError: If the cluster is not available.
    """
    if options.backend != "ray":
        yield
        return
    from qwop_wr.compute.ray import connection  # noqa: PLC0415 (only for clusters)

    with connection(options.address):
        yield


def open_backend(job: Job[Any, Any, Any], options: ComputeOptions, n_items: int) -> Backend:
    """Returns the backend that runs a job's items.

    Raises:
        BadInputError: If Ray is asked for and not installed.
    """
    if options.backend == "ray":
        from qwop_wr.compute.ray import RayBackend  # noqa: PLC0415 (only for clusters)

        return RayBackend(job, options)
    if options.backend == "process":
        return ProcessBackend(job, options)
    return ThreadBackend(job, options, n_items) if job.threads else CallerBackend(job)


def result_of(
    job: Job[SharedT, ItemT, ResultT], item: ItemT, outcome: Outcome
) -> Finished[ResultT]:
    """Returns the result of an outcome, or raises its error.

    Raises:
        ItemError: If the item failed; names it.
        BadInputError: If it failed with that.
    """
    if outcome.finished is not None:
        return outcome.finished
    error = outcome.error
    place = f"{job.name}, {job.describe(item)}"
    if isinstance(error, BadInputError):
        raise BadInputError(f"{place}: {error.message}") from error
    raise ItemError(f"{place}: {type(error).__name__}: {error}") from error


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

    def __init__(self, job: Job[Any, Any, Any], options: ComputeOptions, n_items: int) -> None:
        self._job = job
        self._gone = threading.Event()
        self._under_way: dict[Future[Outcome], int] = {}
        self._limits = ExitStack()
        n_threads = options.workers or usable_cores()
        # A thread that waits for the caller to take its results loses time.
        self.room = 2 * n_threads
        n_workers = max(1, min(n_threads, n_items))
        self._pool = ThreadPoolExecutor(n_threads, "job", join_workers, (n_workers,))

    def __enter__(self) -> "ThreadBackend":
        self._limits.enter_context(single_thread())
        return self

    def __exit__(self, *error: object) -> None:
        self._gone.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._limits.close()

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
