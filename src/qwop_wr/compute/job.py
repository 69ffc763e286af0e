"""What is to be done with many items, where, and what came of one of them."""

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Generic, Literal, NamedTuple, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, field_validator

SharedT = TypeVar("SharedT")
ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class ComputeOptions(BaseModel):
    """Where heavy work is done; results do not depend on it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    backend: Literal["serial", "process", "ray"] = "serial"
    """``serial``: this process, where engine and searches use its cores by threads;
    ``process``: processes of this machine; ``ray``: a Ray cluster."""
    workers: PositiveInt | None = None
    """Items worked on at a time; if omitted, as many as there are usable cores, of this
    machine or of the cluster."""
    address: str = "auto"
    """Ray cluster: ``host:port``, or ``auto`` for the one that ``RAY_ADDRESS`` names or that
    runs on this machine."""
    seeds_per_chunk: PositiveInt = 25
    """Seeds that an evaluation gives to a worker at a time."""
    retries: NonNegativeInt = 3
    """How often an item is begun again after the death of its worker."""
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
    """Count the processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class WorkContext(NamedTuple):
    """What a piece of work knows about where it is done.

    Attributes:
        stopped: Whether nobody waits for the result any more; long work in this process
            asks now and then. Workers elsewhere are ended without being asked.
        in_process: Whether it is the process that asked for the work.
    """

    stopped: Callable[[], bool]
    in_process: bool


@dataclass(frozen=True)
class Job(Generic[SharedT, ItemT, ResultT]):
    """A function of many items and of data that all share.

    Attributes:
        name: Name for the progress bar and for errors.
        function: Module-level function of shared data, item and context. It changes
            neither, and its result depends on nothing else, so that items can be done
            anywhere, in any order and more than once.
        shared: Data that all items need; sent to a worker process or to a node once.
        describe: Names an item in errors, by its seed for instance.
        unit: What the progress bar counts.
        threads: The function releases the interpreter's lock, so that threads do in this
            process. Otherwise items are done there one after the other, in the caller's
            thread.
    """

    name: str
    function: Callable[[SharedT, ItemT, WorkContext], ResultT]
    shared: SharedT
    describe: Callable[[ItemT], str]
    unit: str = "items"
    threads: bool = False


@dataclass(frozen=True)
class Finished(Generic[ResultT]):
    """An item that was done.

    Attributes:
        value: What the function returned.
        seconds: Wall-clock time of the function [s].
        core_seconds: Processor time that it took in another process [s]; 0 in this one,
            whose own clock has it.
        worker: Who did it, as ``host:process``; empty for this process.
    """

    value: ResultT
    seconds: float
    core_seconds: float
    worker: str


class ItemError(RuntimeError):
    """A piece of work has failed; the message names the item, the cause is attached."""


class WorkerDiedError(RuntimeError):
    """Workers have died over an item more often than it is begun again."""


class Outcome(NamedTuple):
    """How an item ended.

    Attributes:
        number: Number that it was submitted under.
        finished: What came of it, if it was done.
        error: What was raised instead.
    """

    number: int
    finished: Finished[Any] | None = None
    error: Exception | None = None


class Backend(Protocol):
    """A place where the items of one job are done.

    Leaving its context ends everything that is still under way.
    """

    def __enter__(self) -> object:
        """Get ready."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End all work and give everything back."""

    @property
    def room(self) -> int:
        """Items worth having under way at present."""

    def submit(self, number: int, item: Any) -> None:  # noqa: ANN401 (any job's item)
        """Begin with an item.

        Args:
            number: Number of the item.
            item: The item.
        """

    def wait(self) -> list[Outcome]:
        """Wait until something has ended.

        Returns:
            What has ended since the last call; at least one of the items under way.
        """


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
