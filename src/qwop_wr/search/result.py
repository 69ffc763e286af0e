"""What a search found."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from qwop_wr.simulator.tape import Tape

Ending = Literal["finished", "budget used up", "stopped", "nothing survived"]


@dataclass(frozen=True)
class SearchResult:
    """The best run of a search and what it cost.

    Attributes:
        tape: The fastest finish; without one, the run to the best state of the
            last depth that had survivors. Its claims have been replayed.
        ending: Why the search ended.
        depths: Decisions searched from the starts on.
        clones: States tried.
        seconds: Wall-clock time of the search [s].
        shares: Part of the time spent on each part of the work.
    """

    tape: Tape
    ending: Ending
    depths: int
    clones: int
    seconds: float
    shares: Mapping[str, float]

    @property
    def clones_per_second(self) -> float:
        """States tried per second."""
        return self.clones / self.seconds
