"""Which variants of a stage are compared, and how they are summed up."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from qwop_wr.agents.budget import TrainingBudget
from qwop_wr.agents.stage import StageOptions


class AblationOptions(BaseModel):
    """Variants of a stage, each trained with several seeds."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    variants: dict[str, dict[str, Any]] = Field(min_length=1)
    """Changes to the stage's options by the variant's name."""
    seeds: Annotated[tuple[int, ...], Field(min_length=1)]
    """Seeds that every variant is trained with."""
    budget: TrainingBudget
    """Length of every training; in steps, so that all learn from as much."""
    confidence_level: float = Field(default=0.95, gt=0, lt=1)
    """Coverage of the intervals."""
    resamples: PositiveInt = 5000
    """Resamples of their bootstrap."""

    @model_validator(mode="after")
    def _seeds_differ(self) -> "AblationOptions":
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds {list(self.seeds)} repeat themselves")
        return self

    def stage(self, name: str, base: StageOptions) -> StageOptions:
        """Apply a variant's changes.

        Args:
            name: Name of the variant.
            base: Options of the stage.

        Returns:
            The variant's options.

        Raises:
            ValueError: If a change does not fit the options.
        """
        fields = base.model_dump() | self.variants[name]
        return StageOptions.model_validate({**fields, "budget": self.budget.model_dump()})
