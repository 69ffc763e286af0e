"""Items that are submitted while others are under way, for work that goes on and on."""

from contextlib import ExitStack
from types import TracebackType
from typing import Generic, TypeVar

from qwop_wr.compute.job import ComputeOptions, Finished, Job
from qwop_wr.compute.mapping import open_backend, result_of

SharedT = TypeVar("SharedT")
ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class Stream(Generic[SharedT, ItemT, ResultT]):
    """A job whose items come one by one; its workers live until it is left.

    What an item needs from the one before travels with it, so that any worker can do it
    and the death of one costs time, no result.

    Args:
        job: What to do.
        options: Where.
    """

    def __init__(self, job: Job[SharedT, ItemT, ResultT], options: ComputeOptions) -> None:
        self._job = job
        self._backend = open_backend(job, options)
        self._stack = ExitStack()
        self._items: dict[int, ItemT] = {}
        self._submitted = 0

    def __enter__(self) -> "Stream[SharedT, ItemT, ResultT]":
        self._stack.enter_context(self._backend)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, traceback)

    def submit(self, item: ItemT) -> None:
        """Begins with an item.

        Args:
            item: The item.
        """
        self._items[self._submitted] = item
        self._backend.submit(self._submitted, item)
        self._submitted += 1

    def wait(self) -> list[tuple[ItemT, Finished[ResultT]]]:
        """Waits until an item has ended.

        Returns:
            Items that have ended since the last call, with their results.

        Raises:
            ItemError: If one has failed; names it.
        """
        ended = [(self._items.pop(one.number), one) for one in self._backend.wait()]
        return [(item, result_of(self._job, item, outcome)) for item, outcome in ended]
