"""Which parameters are searched, and for how long."""

from typing import Annotated, Any, Literal

from optuna import Trial
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, model_validator


class _Dimension(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class FloatRange(_Dimension):
    """A real number from a range."""

    type: Literal["float"]
    low: float = Field(allow_inf_nan=False)
    """Least value."""
    high: float = Field(allow_inf_nan=False)
    """Greatest value."""
    log: bool = False
    """Draw its logarithm evenly."""

    @model_validator(mode="after")
    def _is_range(self) -> "FloatRange":
        _check_range(self.low, self.high, self.log)
        return self

    def suggest(self, trial: Trial, name: str) -> float:
        """Draw a value for a trial."""
        return trial.suggest_float(name, self.low, self.high, log=self.log)

    @property
    def example(self) -> float:
        """Some value of it."""
        return self.low


class IntRange(_Dimension):
    """A whole number from a range."""

    type: Literal["int"]
    low: int
    """Least value."""
    high: int
    """Greatest value."""
    log: bool = False
    """Draw its logarithm evenly."""

    @model_validator(mode="after")
    def _is_range(self) -> "IntRange":
        _check_range(self.low, self.high, self.log)
        return self

    def suggest(self, trial: Trial, name: str) -> int:
        """Draw a value for a trial."""
        return trial.suggest_int(name, self.low, self.high, log=self.log)

    @property
    def example(self) -> int:
        """Some value of it."""
        return self.low


class Choice(_Dimension):
    """One of several values."""

    type: Literal["categorical"]
    choices: Annotated[tuple[str | bool | int | float | None, ...], Field(min_length=1)]
    """The values."""

    def suggest(self, trial: Trial, name: str) -> str | bool | int | float | None:
        """Draw a value for a trial."""
        return trial.suggest_categorical(name, self.choices)

    @property
    def example(self) -> str | bool | int | float | None:
        """Some value of it."""
        return self.choices[0]


Dimension = Annotated[FloatRange | IntRange | Choice, Field(discriminator="type")]


class SweepOptions(BaseModel):
    """A search with Optuna's TPE (https://arxiv.org/abs/1907.10902), poor trials stopped early."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    space: dict[str, Dimension] = Field(min_length=1)
    """Dimensions by dotted key of the experiment, such as ``learning.gamma``."""
    trials: PositiveInt = 20
    """Trials in all, pruned ones included; those that were made before count."""
    metric: str = "evaluation/mean_distance"
    """Metric of every evaluation that decides."""
    direction: Literal["maximize", "minimize"] = "maximize"
    """Whether more of it is better."""
    startup_trials: NonNegativeInt = 5
    """Trials that are never stopped early, drawn at random."""
    warmup_steps: NonNegativeInt = 0
    """Steps of a training before which it is not stopped."""

    def changes(self, values: dict[str, Any]) -> dict[str, Any]:
        """Spell out dotted keys.

        Args:
            values: Values by dotted key.

        Returns:
            Nested values.
        """
        nested: dict[str, Any] = {}
        for key, value in values.items():
            *path, last = key.split(".")
            block = nested
            for part in path:
                block = block.setdefault(part, {})
            block[last] = value
        return nested


def _check_range(low: float, high: float, log: bool) -> None:
    if low > high:
        raise ValueError(f"low {low} is above high {high}")
    if log and low <= 0:
        raise ValueError(f"low {low} has no logarithm; it must be above 0")
