"""Tables as Markdown text."""

from collections.abc import Iterable, Sequence


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Formats a table: the first column aligned to the left, the numbers after it to the right.

    Args:
        columns: Titles.
        rows: Texts of every row, one per title.

    Returns:
        Lines, each ended by a line break.
    """
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
