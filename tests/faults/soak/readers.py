"""Thousands of damaged and hostile files for every reader, each reader in a process of its own."""

import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.faults.fuzzing import attempt, fuzz
from tests.faults.mutations import hostile_payloads
from tests.faults.readers import all_readers
from tests.faults.soak import Row

N_FILES: Final = 10_000
MOST_MEMORY: Final = 64
"""Most memory that reading may add to a process [MiB]; the files have some kilobytes."""


def damage_files(folder: Path, n_files: int = N_FILES, seed: int = 1) -> Iterator[Row]:
    """Damage files for every reader.

    Args:
        folder: An empty folder.
        n_files: Files per reader.
        seed: Seed of the damage.

    Yields:
        A row per reader, as soon as it has read its files.
    """
    for name in list(all_readers(folder)):
        command = [sys.executable, "-m", __name__, name, str(n_files), str(seed)]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if answer.returncode:
            last = (answer.stderr.strip().splitlines() or ["no word"])[-1]
            yield Row(f"{name}: {n_files:,} files", f"the process ended: {last}", passed=False)
            continue
        found = json.loads(answer.stdout)
        counts, memory = found["counts"], found["memory"]
        bad = counts.get("crashed", 0) + counts.get("executed", 0)
        text = (
            f"{counts.get('refused', 0)} refused, {counts.get('accepted', 0)} read, "
            f"{counts.get('crashed', 0)} crashes, {counts.get('executed', 0)} executions, "
            f"+{memory} MiB"
        )
        if found["crashes"]:
            text += f"; {found['crashes'][0]}"
        passed = not bad and memory <= MOST_MEMORY
        yield Row(f"{name}: {n_files:,} damaged files", text, passed)


def _peak() -> int:
    """Most memory that this process ever had [MiB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _read_all(name: str, n_files: int, seed: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        reader, canary = all_readers(folder)[name], folder / "canary"
        # What is imported at the first file is not of the file's making.
        attempt(reader, reader.sample, folder / f"sample{reader.suffix}", canary)
        before = _peak()
        counts, crashes = fuzz(reader, n_files, folder, hostile_payloads(canary), canary, seed)
        return {"counts": counts, "crashes": crashes, "memory": _peak() - before}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_read_all(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
