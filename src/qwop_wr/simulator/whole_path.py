"""Files that appear whole or not at all."""

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_path(path: Path) -> Iterator[Path]:
    """Give a path beside ``path`` whose file takes its place when the block succeeds.

    If the block fails, what was at ``path`` is still there and nothing is left behind.

    Args:
        path: Where the file is to appear.

    Yields:
        Path to write to.

    Raises:
        OSError: If the file cannot take its place.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
