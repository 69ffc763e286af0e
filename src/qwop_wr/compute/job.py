"""Jobs: a function of many items, the options of their computation, and their outcomes."""

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, NamedTuple, Protocol, TypeVar

from pydantic import Field, NonNegativeInt, PositiveInt, field_validator

from qwop_wr.options import Options

SharedT = TypeVar("SharedT")
ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class ComputeOptions(Options):
    """Where heavy work is computed; results do not depend on it."""

    backend: Literal["serial", "process", "ray"] = "serial"
    """``serial``: this process, where engine and searches use its cores by threads;
    ``process``: processes of this machine; ``ray``: a Ray cluster."""
    workers: PositiveInt | None = None
    """Items computed at a time; if omitted, as many as there are usable cores, of this
    machine or of the cluster."""
    address: str = "auto"
    """Ray cluster: ``host:port``, or ``auto`` for the one that ``RAY_ADDRESS`` names or that
    runs on this machine."""
    seeds_per_chunk: PositiveInt = 25
    """Seeds that a worker evaluates at a time."""
    retries: NonNegativeInt = 3
    """Number of times that an item is restarted after the death of its worker."""
    short_seconds: float = Field(default=20.0, ge=0, allow_inf_nan=False)
    """Work of less than so many core-seconds stays in this process: starting workers takes
    longer [s]."""

    @field_validator("address")
    @classmethod
    def _not_a_client(cls, address: str) -> str:
        if address.startswith("ray://"):
            raise ValueError("Ray's client is not used; run on a node of the cluster, with 'auto'")
        host, _, port = address.rpartition(":")
        if address != "auto" and not (host and port.isdigit()):
            raise ValueError("it must be 'auto' or host:port, for instance 10.0.0.1:6379")
        return address


SERIAL: Final = ComputeOptions()
"""Everything in this process."""


def usable_cores() -> int:
    """Returns the number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class WorkContext(NamedTuple):
    """Where a job's function runs.

    Attributes:
        stopped: Returns whether the result is no longer wanted; long work in this process
            asks now and then. Workers elsewhere are killed instead.
        in_process: Whether it runs in the process that submitted the job.
    """

    stopped: Callable[[], bool]
    in_process: bool


@dataclass(frozen=True)
class Job(Generic[SharedT, ItemT, ResultT]):
    """A function to apply to many items, with shared data.

    Attributes:
        name: Name for the progress bar and for errors.
        function: Module-level function of shared data, item and context. It changes
            neither, and its result depends on nothing else, so that items can be computed
            anywhere, in any order and more than once.
        shared: Data that all items need; sent to a worker process or to a node once.
        describe: Names an item in errors, for instance by its seed.
        unit: Plural of an item, for the progress bar.
        threads: Whether the function releases the interpreter's lock, so that in this process
            items run in threads, not one after the other in the caller's.
    """

    name: str
    function: Callable[[SharedT, ItemT, WorkContext], ResultT]
    shared: SharedT
    describe: Callable[[ItemT], str]
    unit: str = "items"
    threads: bool = False


@dataclass(frozen=True)
class Finished(Generic[ResultT]):
    """The result of an item.

    Attributes:
        value: The function's result.
        seconds: Wall-clock time of the function [s].
        core_seconds: Its processor time in another process [s]; 0 in this one, whose own
            clock includes it.
        worker: The worker, as ``host:process``; empty for this process.
    """

    value: ResultT
    seconds: float
    core_seconds: float
    worker: str


class ItemError(RuntimeError):
    """An item failed; the message names it, the cause is attached."""


class WorkerDiedError(RuntimeError):
    """More workers died over an item than it has retries."""

    def __init__(self, deaths: int) -> None:
        super().__init__(
            f"a worker process died {deaths} times while it was under way; is there no free memory?"
        )


class Outcome(NamedTuple):
    """An item's result or error, by the number that it was submitted under."""

    number: int
    finished: Finished[Any] | None = None
    error: Exception | None = None


class Backend(Protocol):
    """Runs the items of one job; leaving its context stops all running items."""

    def __enter__(self) -> object:
        """Starts the workers."""

    def __exit__(self, *error: object) -> None:
        """Stops all work and releases the workers."""

    @property
    def room(self) -> int:
        """Number of items to keep under way."""

    def submit(self, number: int, item: Any) -> None:  # noqa: ANN401 (any job's item)
        """Starts an item; its outcome has the number."""

    def wait(self) -> list[Outcome]:
        """Waits for and returns the outcomes since the last call, at least one."""


def work(function: Callable[..., Any], shared: Any, item: Any) -> Finished[Any]:  # noqa: ANN401
    """Applies a job's function to an item in a worker and measures its times."""
    context = WorkContext(lambda: False, in_process=False)
    started = time.perf_counter(), time.process_time()
    value = function(shared, item, context)
    return Finished(
        value,
        time.perf_counter() - started[0],
        time.process_time() - started[1],
        f"{socket.gethostname()}:{os.getpid()}",
    )
