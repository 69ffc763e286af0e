"""How long a search may last."""

import time
from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator


class SearchBudget(BaseModel):
    """Limits of a search; the first one reached ends it, none lets it run to its end.

    Only a search without a limit in seconds can be repeated exactly.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    clones: PositiveInt | None = None
    """States tried, all depths together."""
    seconds: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Wall-clock time."""


class RoundBudget(BaseModel):
    """Limits of work that goes in rounds; the first one reached ends it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    minutes: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Wall-clock time; what is limited by it cannot be repeated exactly."""
    rounds: PositiveInt | None = None
    """Rounds."""

    @model_validator(mode="after")
    def _some_limit(self) -> "RoundBudget":
        if self.minutes is None and self.rounds is None:
            raise ValueError("a budget of rounds needs minutes, rounds or both")
        return self


class WorkClock:
    """Time that work has taken; it starts when made."""

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


class BudgetMeter:
    """A running budget; it starts when made.

    Args:
        budget: The limits.
        now: Monotonic clock [s].
    """

    def __init__(self, budget: SearchBudget, now: Callable[[], float] = time.perf_counter) -> None:
        self._budget = budget
        self._now = now
        self._started = now()
        self.clones = 0
        """States tried so far."""

    @property
    def seconds(self) -> float:
        """Time since the start [s]."""
        return self._now() - self._started

    def allows(self, clones: int) -> bool:
        """Tell whether so many more states may be tried.

        Args:
            clones: Number of states.

        Returns:
            False once a limit is reached.
        """
        limit = self._budget.clones
        if limit is not None and self.clones + clones > limit:
            return False
        return self._budget.seconds is None or self.seconds < self._budget.seconds
