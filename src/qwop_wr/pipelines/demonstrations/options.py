"""Which episodes become demonstrations."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class DemonstrationOptions(BaseModel):
    """How the expert demonstrates.

    Attributes:
        episodes: Number of episodes to collect.
        first_seed: Episodes have this seed and those that follow.
        deterministic: Take the expert's best action; else draw from its policy.
        finished_only: Leave out episodes that did not finish.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    episodes: Annotated[int, Field(ge=1, le=10_000)]
    first_seed: Annotated[int, Field(ge=0)]
    deterministic: bool
    finished_only: bool
