"""How a new expert is compared with the reigning one."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class GateOptions(BaseModel):
    """Comparison of two agents on the same starts.

    Attributes:
        starts: Number of starts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    starts: Annotated[int, Field(ge=1, le=10_000)]
