"""Faults that are tried for longer than a test may take: ``make soak``.

A check is a function that is given an empty folder and yields a row per fault. Each has a
file of its own; list it in ``CHECKS``.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.faults.soak.disk import fill_disks
from tests.faults.soak.kills import kill_trainings
from tests.faults.soak.readers import damage_files
from tests.faults.soak.rows import Row

CHECKS: Mapping[str, Callable[[Path], Iterator[Row]]] = {
    "kills": kill_trainings,
    "full disks": fill_disks,
    "damaged files": damage_files,
}
"""Checks by name."""
