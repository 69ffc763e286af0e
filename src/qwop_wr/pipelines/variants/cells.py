"""Cells: what one training of one variant came to, kept one by one."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Cell = dict[str, Any]
"""What one training of one variant came to."""

StoredCells = Mapping[str, Callable[[], Cell]]
"""Cells by ``variant/seed``, each loaded when it is called."""


def fingerprint(*facts: object) -> str:
    """Identify a training by all that it follows from.

    Args:
        *facts: What JSON can hold.

    Returns:
        SHA-256 as hexadecimal text.
    """
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def pending(
    finished: StoredCells, seeds: Sequence[int], tasks: Mapping[str, str]
) -> Iterator[tuple[str, int, Cell]]:
    """List what has still to be trained.

    Args:
        finished: Cells of earlier runs.
        seeds: Seeds, the outer loop.
        tasks: Fingerprint of every variant, by name.

    Yields:
        Variant, seed and the beginning of its cell; a finished one of the same
        fingerprint is left out.
    """
    for seed in seeds:
        for name, task in tasks.items():
            key = f"{name}/{seed}"
            if key not in finished or finished[key]()["task"] != task:
                yield name, seed, {"variant": name, "seed": seed, "task": task}
