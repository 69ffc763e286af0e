"""Values that change while a training proceeds."""

import math
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Schedule(BaseModel):
    """A value that goes from ``start`` to ``end`` with the progress of a training.

    In configuration a plain number stands for a constant.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: float = Field(allow_inf_nan=False, ge=0)
    """Value at the beginning."""
    end: float = Field(allow_inf_nan=False, ge=0)
    """Value at the end."""
    shape: Literal["linear", "cosine"] = "linear"
    """Straight, or flat at both ends (https://arxiv.org/abs/1608.03983)."""

    @model_validator(mode="before")
    @classmethod
    def _constant(cls, value: Any) -> Any:  # noqa: ANN401 - whatever configuration holds
        if isinstance(value, int | float | str):
            return {"start": value, "end": value}
        return value

    @classmethod
    def linear(cls, start: float, end: float) -> "Schedule":
        """Go straight from one value to another.

        Args:
            start: Value at the beginning.
            end: Value at the end.

        Returns:
            The schedule.
        """
        return cls(start=start, end=end)

    @classmethod
    def constant(cls, value: float) -> "Schedule":
        """Stay at one value.

        Args:
            value: The value.

        Returns:
            The schedule.
        """
        return cls(start=value, end=value)

    @property
    def maximum(self) -> float:
        """The largest value it takes."""
        return max(self.start, self.end)

    def __call__(self, progress: float) -> float:
        """Evaluate the schedule.

        Args:
            progress: Share of the training that is over; clipped to 0..1.

        Returns:
            The value there.
        """
        done = min(max(progress, 0.0), 1.0)
        if self.shape == "cosine":
            done = (1.0 - math.cos(math.pi * done)) / 2.0
        return self.start + done * (self.end - self.start)
