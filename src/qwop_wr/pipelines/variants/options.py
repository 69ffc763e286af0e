"""Which variants are compared, and how they are summed up."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from qwop_wr.errors import suggest
from qwop_wr.evaluation.options import Seed


class VariantsOptions(BaseModel):
    """Variants, each trained with several seeds."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    variants: dict[str, dict[str, Any]] = Field(min_length=1)
    """Changes by the variant's name."""
    chosen: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Names of those that are compared; all of them if null."""
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)]
    """Seeds that every variant is trained with."""
    confidence_level: float = Field(default=0.95, gt=0, lt=1)
    """Coverage of the intervals."""
    resamples: PositiveInt = 5000
    """Resamples of their bootstrap."""

    @property
    def names(self) -> tuple[str, ...]:
        """The variants that are compared, in order."""
        return tuple(self.variants) if self.chosen is None else self.chosen

    @model_validator(mode="after")
    def _chosen_exist(self) -> "VariantsOptions":
        for name in self.names:
            if name not in self.variants:
                raise ValueError(
                    f"chosen: there is no variant {name!r}; {suggest(name, self.variants)}"
                )
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"chosen {list(self.names)} repeat themselves")
        return self

    @model_validator(mode="after")
    def _seeds_differ(self) -> "VariantsOptions":
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds {list(self.seeds)} repeat themselves")
        return self
