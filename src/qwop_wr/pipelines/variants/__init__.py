"""What pipelines that compare variants have in common: cells that are kept, and a table."""

from qwop_wr.pipelines.variants.cells import Cell, StoredCells, fingerprint, pending
from qwop_wr.pipelines.variants.options import VariantsOptions
from qwop_wr.pipelines.variants.table import Measure, Table, tabulate

__all__ = [
    "Cell",
    "Measure",
    "StoredCells",
    "Table",
    "VariantsOptions",
    "fingerprint",
    "pending",
    "tabulate",
]
