"""Which variants are compared, and how they are summed up."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator


class VariantsOptions(BaseModel):
    """Variants, each trained with several seeds."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    variants: dict[str, dict[str, Any]] = Field(min_length=1)
    """Changes by the variant's name."""
    seeds: Annotated[tuple[int, ...], Field(min_length=1)]
    """Seeds that every variant is trained with."""
    confidence_level: float = Field(default=0.95, gt=0, lt=1)
    """Coverage of the intervals."""
    resamples: PositiveInt = 5000
    """Resamples of their bootstrap."""

    @model_validator(mode="after")
    def _seeds_differ(self) -> "VariantsOptions":
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds {list(self.seeds)} repeat themselves")
        return self
