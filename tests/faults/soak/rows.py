"""What a check tells about a fault."""

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

    def markdown(self) -> str:
        """The row of a table with three columns."""
        return f"| {self.fault} | {self.outcome} | {'yes' if self.passed else '**no**'} |"


HEAD = "| fault | outcome | as promised |\n| --- | --- | --- |"
