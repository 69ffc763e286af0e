"""Run checks, all or those named: ``python -m tests.faults.soak [NAME ...]``."""

import sys
import tempfile
from pathlib import Path

from tests.faults.soak.disk import fill_disks
from tests.faults.soak.kills import kill_trainings
from tests.faults.soak.readers import damage_files

CHECKS = {"kills": kill_trainings, "full disks": fill_disks, "damaged files": damage_files}
"""Checks by name: given an empty folder, each yields a row per fault."""
HEAD = "| fault | outcome | as promised |\n| --- | --- | --- |"


def main(names: list[str]) -> int:
    """Run checks and print a table for each; 1 if something is not as promised."""
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        sys.exit(f"there is no check {unknown[0]!r}; there are {', '.join(CHECKS)}")
    failed = 0
    for name in names or CHECKS:
        sys.stdout.write(f"\n### {name}\n\n{HEAD}\n")
        with tempfile.TemporaryDirectory(prefix=f"soak-{name}-") as folder:
            outcomes = []
            for row in CHECKS[name](Path(folder)):
                outcomes.append(row.passed)
                promised = "yes" if row.passed else "**no**"
                sys.stdout.write(f"| {row.fault} | {row.outcome} | {promised} |\n")
                sys.stdout.flush()
        failed += outcomes.count(False)
        sys.stdout.write(f"\n{outcomes.count(True)} of {len(outcomes)} as promised\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
