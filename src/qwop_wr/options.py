"""The base class of everything that configuration can set."""

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """Values that never change and know all their keys; docstrings below fields describe them."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
