"""Faults that are tried for longer than a test may take: ``make soak``."""

from typing import NamedTuple


class Row(NamedTuple):
    """A fault and what became of it.

    Attributes:
        fault: What was done.
        outcome: What came of it.
        passed: Whether that is what is promised.
    """

    fault: str
    outcome: str
    passed: bool
