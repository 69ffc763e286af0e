"""Which experiments are compared."""

from pydantic import BaseModel, ConfigDict


class LedgerOptions(BaseModel):
    """Experiments of the ledger."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    experiments: tuple[str, ...] = ()
    """Their names, in the table's order; all that are configured if there are none."""
