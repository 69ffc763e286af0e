"""How long a training may last, and how much of that is over."""

import time
from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator


class TrainingBudget(BaseModel):
    """Limits of a training; the first one reached ends it.

    Only a training limited by steps alone can be repeated exactly.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: PositiveInt | None = None
    """Decisions in all games together."""
    minutes: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Wall-clock time."""

    @model_validator(mode="after")
    def _some_limit(self) -> "TrainingBudget":
        if self.steps is None and self.minutes is None:
            raise ValueError("a budget needs steps, minutes or both")
        return self


class BudgetClock:
    """A running budget; it starts when made.

    Args:
        budget: The limits.
        now: Monotonic clock [s].
        used: Time used before, by the part of the training that it goes on from [s].
    """

    def __init__(
        self,
        budget: TrainingBudget,
        now: Callable[[], float] = time.monotonic,
        used: float = 0.0,
    ) -> None:
        self.budget = budget
        self._now = now
        self._started = now() - used

    @property
    def seconds(self) -> float:
        """Time used so far [s]."""
        return self._now() - self._started

    def progress(self, steps: int) -> float:
        """Tell how much of the budget is used.

        Args:
            steps: Decisions made so far.

        Returns:
            Share of the tighter limit, 0 to 1.
        """
        used = 0.0
        if self.budget.steps is not None:
            used = steps / self.budget.steps
        if self.budget.minutes is not None:
            used = max(used, self.seconds / (60.0 * self.budget.minutes))
        return min(used, 1.0)
