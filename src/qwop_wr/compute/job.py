"""What is to be done with many items, and what came of one of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

SharedT = TypeVar("SharedT")
ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


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
