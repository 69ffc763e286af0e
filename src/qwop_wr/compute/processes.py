"""Jobs in worker processes of this machine."""

import contextlib
import multiprocessing
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for_connections
from typing import Any, Final, NamedTuple

from qwop_wr.compute.job import (
    ComputeOptions,
    Finished,
    Job,
    Outcome,
    WorkerDiedError,
    usable_cores,
    work,
)
from qwop_wr.compute.threads import limit_threads

_CONTEXT: Final = multiprocessing.get_context("spawn")


class _Attempt(NamedTuple):
    number: int
    item: Any
    deaths: int


class ProcessBackend:
    """Runs items in spawned worker processes, one thread each.

    If a worker dies, all workers are replaced and the items under way are retried, the
    last time one by one. Workers end with this process, however it ends.
    """

    def __init__(self, job: Job[Any, Any, Any], options: ComputeOptions) -> None:
        self._work = pickle.dumps((job.function, job.shared))
        self._retries = options.retries
        self._under_way: dict[Future[Finished[Any]], _Attempt] = {}
        self._alone: deque[_Attempt] = deque()
        self._workers = options.workers or usable_cores()

    def __enter__(self) -> "ProcessBackend":
        self._open()
        return self

    def __exit__(self, *error: object) -> None:
        if error[0] is None and not self._under_way:
            self._pool.shutdown(wait=True)
            self._lifeline.close()
        else:
            self._lifeline.close()
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._other_end.close()

    @property
    def room(self) -> int:
        """Number of items to keep under way; see ``Backend.room``."""
        # A worker that waits for the next item loses time.
        return 0 if self._alone else 2 * self._workers

    def submit(self, number: int, item: Any) -> None:  # noqa: ANN401
        """Submits an item; see ``Backend.submit``."""
        self._begin(_Attempt(number, item, deaths=0))

    def wait(self) -> list[Outcome]:
        """Waits for the first worker; see ``Backend.wait``."""
        while True:
            if self._alone and not self._under_way:
                self._begin(self._alone.popleft())
            ended, _ = wait(self._under_way, return_when=FIRST_COMPLETED)
            if any(isinstance(future.exception(), BrokenProcessPool) for future in ended):
                outcomes = self._replace_workers()
            else:
                outcomes = [_outcome(self._under_way.pop(future), future) for future in ended]
            if outcomes:
                return outcomes

    def _begin(self, attempt: _Attempt) -> None:
        with _ctrl_c_held_back():
            try:
                future = self._pool.submit(_do, attempt.item)
            except BrokenProcessPool as error:
                # A worker died between two calls of wait.
                future = Future()
                future.set_exception(error)
        self._under_way[future] = attempt

    def _open(self) -> None:
        # Workers hold the other end: closing this one, or dying, ends them at once.
        self._other_end, self._lifeline = _CONTEXT.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(
            self._workers, _CONTEXT, _set_up, (self._work, self._other_end)
        )

    def _replace_workers(self) -> list[Outcome]:
        """Retries the interrupted items; returns those that have ended or exceed the retries."""
        self._pool.shutdown(wait=True)
        self._lifeline.close()
        self._other_end.close()
        self._open()
        before, self._under_way = self._under_way, {}
        outcomes = []
        for future, attempt in before.items():
            if not isinstance(future.exception(), BrokenProcessPool):
                outcomes.append(_outcome(attempt, future))
            elif attempt.deaths >= self._retries:
                died = WorkerDiedError(attempt.deaths + 1)
                outcomes.append(Outcome(attempt.number, error=died))
            elif attempt.deaths + 1 < self._retries:
                self._begin(attempt._replace(deaths=attempt.deaths + 1))
            else:
                # Whose fault it is shows when no other item is under way.
                self._alone.append(attempt._replace(deaths=attempt.deaths + 1))
        return outcomes


def _outcome(attempt: _Attempt, future: Future[Finished[Any]]) -> Outcome:
    error = future.exception()
    if error is None:
        return Outcome(attempt.number, future.result())
    if not isinstance(error, Exception):
        raise error
    return Outcome(attempt.number, error=error)


@contextlib.contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    """Starts processes that ignore the terminal's Ctrl-C, which is for this process alone."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_job: tuple[Callable[..., Any], Any] | None = None
"""Function and shared data of this worker process."""


def _set_up(pickled: bytes, lifeline: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()
    global _job  # noqa: PLW0603 (a worker process is made for one job)
    limit_threads()
    _job = pickle.loads(pickled)  # noqa: S301 (our own process sent it)
    limit_threads()


def _end_with(lifeline: Connection) -> None:
    wait_for_connections([lifeline])
    os._exit(1)


def _do(item: Any) -> Finished[Any]:  # noqa: ANN401
    if _job is None:
        raise RuntimeError("the worker process was not set up")
    return work(*_job, item)
