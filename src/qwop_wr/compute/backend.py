"""What the places where work is done have in common."""

from types import TracebackType
from typing import Any, NamedTuple, Protocol

from qwop_wr.compute.job import Finished


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
