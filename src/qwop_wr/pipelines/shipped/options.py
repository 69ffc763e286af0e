"""What cannot be read out of the shipped files: how they were made."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(min_length=1)]


class Making(BaseModel):
    """How a shipped file came to be.

    Attributes:
        data: What it was learned or searched from.
        command: Command that makes its like.
        compute: Machine and time that it took.
        remark: What else has to be known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: Text
    command: Text
    compute: Text
    remark: Text


class ShippedOptions(BaseModel):
    """How the shipped files came to be.

    Attributes:
        expert: The agent that demonstrates.
        record: The fastest tape.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    expert: Making
    record: Making
