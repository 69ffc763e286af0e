"""Run checks, all or those named: ``python -m tests.faults.soak [NAME ...]``."""

import sys
import tempfile
from pathlib import Path

from tests.faults.soak import CHECKS
from tests.faults.soak.rows import HEAD


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
                sys.stdout.write(f"{row.markdown()}\n")
                sys.stdout.flush()
        failed += outcomes.count(False)
        sys.stdout.write(f"\n{outcomes.count(True)} of {len(outcomes)} as promised\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
