"""Options of a beam search, and budgets of work in rounds."""

import math
import time
from typing import Final, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from qwop_wr.options import Options
from qwop_wr.simulator import SLOW_CLONES
from qwop_wr.simulator.constants import GROUND_Y

USUAL_TICKS: Final = 1200
"""Typical length of a run."""

SMALL_TICKS: Final = 40
SMALL_WIDTH: Final = 8
"""Largest number of ticks and states of a search on an engine whose clones are slow. A clone
costs as much as the run so far there, so that a whole search would take longer than a night."""


class SearchOptions(Options):
    """Width, proposals and scoring of a beam.

    A state's score is the sum of its rewards plus ``value_weight`` times the value
    that its guide estimates, both in the rewards of the environment.
    """

    width: int = Field(default=128, ge=1, le=65_536)
    """States kept per depth, all islands together."""
    islands: PositiveInt = 1
    """Parts of the beam that do not compete, so that one gait does not take over."""

    opening_ticks: NonNegativeInt = 0
    """Ticks after the hard reset in which the beam is wider: the start decides much."""
    opening_factor: int = Field(default=1, ge=1, le=64)
    """Factor on the width in the opening."""

    proposals: PositiveInt = 3
    """Different actions tried from every state."""
    sampling: Literal["sample", "top"] = "sample"
    """Draw the actions from the guide's policy, without repetition, or take its best."""
    temperature: float = Field(default=1.5, gt=0, allow_inf_nan=False)
    """Above 1 drawn actions are more varied than the policy's, below 1 less."""

    value_weight: float = Field(default=0.75, ge=0, allow_inf_nan=False)
    """Weight of the guide's values against rewards."""
    cell: float = Field(default=0.4, ge=0, allow_inf_nan=False)
    """States whose observations round to the same multiples of this count once; 0 keeps all."""

    sink_height: float = Field(default=1.3, gt=-1.0, lt=GROUND_Y)
    """States whose torso's y exceeds this are dropped [units, y points down]."""
    max_ticks: int = Field(default=3000, ge=1, le=100_000)
    """States that have lasted so long are dropped."""

    @model_validator(mode="after")
    def _islands_are_inhabited(self) -> "SearchOptions":
        if self.width % self.islands:
            raise ValueError(f"{self.islands} islands cannot share width {self.width} equally")
        return self

    def for_engine(self, engine: str) -> "SearchOptions":
        """Returns smaller options if clones are slow on the engine, else these."""
        if engine not in SLOW_CLONES:
            return self
        small = {
            "width": min(self.width, SMALL_WIDTH),
            "islands": 1,
            "opening_factor": 1,
            "max_ticks": min(self.max_ticks, SMALL_TICKS),
        }
        return self.model_copy(update=small)


class RoundBudget(Options):
    """Limits of work in rounds; the first one reached ends it."""

    minutes: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Wall-clock time; work limited by it cannot be repeated exactly."""
    rounds: PositiveInt | None = None
    """Rounds."""

    @model_validator(mode="after")
    def _some_limit(self) -> "RoundBudget":
        if self.minutes is None and self.rounds is None:
            raise ValueError("a budget of rounds needs minutes, rounds or both")
        return self

    @property
    def seconds(self) -> float:
        """The limit of time [s]; infinite if there is none."""
        return math.inf if self.minutes is None else 60.0 * self.minutes


class WorkClock:
    """Measures the time of work; it starts when made."""

    def __init__(self) -> None:
        self._started = time.perf_counter(), time.process_time()

    @property
    def seconds(self) -> float:
        """Wall-clock time [s]."""
        return time.perf_counter() - self._started[0]

    @property
    def core_seconds(self) -> float:
        """Processor time of the process, all cores together [s]."""
        return time.process_time() - self._started[1]
