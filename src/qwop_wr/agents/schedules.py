"""Schedules of a training's parameters, and its budget."""

import time
from collections.abc import Callable
from typing import Any, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from qwop_wr.options import Options


class Schedule(Options):
    """A value that goes from ``start`` to ``end`` with the progress of a training.

    In configuration a plain number stands for a constant.
    """

    start: float = Field(allow_inf_nan=False, ge=0)
    """Value at the beginning."""
    end: float = Field(allow_inf_nan=False, ge=0)
    """Value at the end."""
    shape: Literal["linear", "steps"] = "linear"
    """Linear; or in steps that each change the value by the same factor."""
    n_steps: PositiveInt | None = None
    """Changes on the way, equally far apart (``steps`` only): 3 go at 1/4, 2/4 and 3/4."""
    until: float = Field(default=1.0, gt=0, le=1)
    """Share of the training at which the end is reached and kept."""

    @model_validator(mode="before")
    @classmethod
    def _constant(cls, value: Any) -> Any:  # noqa: ANN401 - whatever configuration holds
        if isinstance(value, int | float | str):
            return {"start": value, "end": value}
        return value

    @model_validator(mode="after")
    def _fits_its_shape(self) -> "Schedule":
        if (self.shape == "steps") != (self.n_steps is not None):
            raise ValueError("n_steps belongs to shape: steps, which needs it")
        if self.shape == "steps" and min(self.start, self.end) <= 0:
            raise ValueError("a schedule in steps multiplies, so start and end must be above 0")
        return self

    @classmethod
    def linear(cls, start: float, end: float) -> "Schedule":
        """Makes a linear schedule over the whole training."""
        return cls(start=start, end=end)

    @classmethod
    def constant(cls, value: float) -> "Schedule":
        """Makes a constant schedule."""
        return cls(start=value, end=value)

    @property
    def maximum(self) -> float:
        """The largest value of the schedule."""
        return max(self.start, self.end)

    def __call__(self, progress: float) -> float:
        """Returns the value at a progress, which is clipped to 0..1."""
        done = min(max(progress / self.until, 0.0), 1.0)
        if self.n_steps is not None:
            passed = min(int(done * (self.n_steps + 1)), self.n_steps)
            return float(self.start * (self.end / self.start) ** (passed / self.n_steps))
        return self.start + done * (self.end - self.start)


class TrainingBudget(Options):
    """Limits of a training; the first one reached ends it.

    Only a training limited by steps alone can be repeated exactly.
    """

    steps: NonNegativeInt | None = None
    """Decisions in all games together; a stage with 0 only learns from its coach."""
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
        now: Monotonic clock [s].
        used: Time used before, if the training is resumed [s].
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
        """Returns the used share, 0 to 1, of the tighter limit."""
        used = 0.0
        if self.budget.steps is not None:
            used = steps / self.budget.steps if self.budget.steps else 1.0
        if self.budget.minutes is not None:
            used = max(used, self.seconds / (60.0 * self.budget.minutes))
        return min(used, 1.0)
