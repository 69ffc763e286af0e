"""Old versions under ``data/``: which can be removed, and which are still referred to."""

import json
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from filelock import FileLock, Timeout
from kedro.io import DatasetError

from qwop_wr.datasets import AgentDataset
from qwop_wr.errors import BadInputError

_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d\.\d{3}Z")
_FINGERPRINT: Final = re.compile(rb"[0-9a-f]{64}")
_TOLD_IN: Final = (".json", ".csv", ".md", ".html", ".safetensors")
"""Endings of files that may name an agent by its fingerprint."""


class StoredVersion(NamedTuple):
    """A version of a dataset.

    Attributes:
        path: Its folder, ``data/.../<name>/<stamp>``.
        size: What it takes on disk [bytes].
        kept_for: Why it stays; empty if it can be removed.
    """

    path: Path
    size: int
    kept_for: str


def judge_versions(data: Path, keep: int, registered: frozenset[str]) -> list[StoredVersion]:
    """Decide which versions can be removed.

    A version stays if it is among the newest of its dataset; if it is an agent that
    something outside of the versions names (the champion, the record tape, a summary or
    report, an alias of the registry), or a newest version does; or if it was written by
    the run that made such an agent.

    Args:
        keep: How many of the newest versions stay, at least 1.
        registered: Fingerprints of agents that the model registry's aliases name.

    Returns:
        All versions, by dataset and time.
    """
    folders = sorted(_version_folders(data))
    by_dataset = defaultdict(list)
    for folder in folders:
        by_dataset[folder.parent].append(folder)
    newest = {path for versions in by_dataset.values() for path in versions[-keep:]}
    older = set(folders) - newest
    told = registered | set(_fingerprints(data, skipped=older))
    named = {path for path in older if _agent(path) in told}
    stamps = {path.name for path in named}
    judged = []
    for path in folders:
        reason = ""
        if path in newest:
            reason = f"among the newest {keep}"
        elif path in named:
            reason = "its agent is named by something that stays"
        elif path.name in stamps:
            reason = "of the run of an agent that stays"
        judged.append(StoredVersion(path, _size(path), reason))
    return judged


def remove_versions(data: Path, versions: Iterable[StoredVersion]) -> None:
    """Remove versions, unless a pipeline is writing.

    Raises:
        BadInputError: If a pipeline is running, or a version cannot be removed.
    """
    locks = [FileLock(path, fallback_to_soft=False) for path in sorted(data.glob(".locks/*.lock"))]
    try:
        for lock in locks:
            lock.acquire(blocking=False)
        for version in versions:
            shutil.rmtree(version.path)
    except Timeout:
        raise BadInputError(
            "a pipeline is writing into this folder; nothing was removed; wait until it has ended"
        ) from None
    except OSError as error:
        raise BadInputError(f"{error.filename}: cannot be removed: {error.strerror}") from error
    finally:
        for lock in locks:
            lock.release(force=True)


def _version_folders(data: Path) -> Iterator[Path]:
    for folder, names, _ in os.walk(data):
        for name in names:
            path = Path(folder, name)
            if _STAMP.fullmatch(name) and (path / path.parent.name).exists():
                yield path


def _fingerprints(data: Path, skipped: set[Path]) -> Iterator[str]:
    """Fingerprints in files outside of the skipped folders."""
    for folder, names, files in os.walk(data):
        names[:] = [name for name in names if Path(folder, name) not in skipped]
        for name in files:
            if name.lower().endswith(_TOLD_IN):
                content = Path(folder, name).read_bytes()
                yield from (found.decode() for found in _FINGERPRINT.findall(content))


def _agent(version: Path) -> str | None:
    """Fingerprint of an agent's version; None of everything else."""
    path = version / version.parent.name
    if path.suffix.lower() != ".safetensors" or not path.is_file():
        return None
    try:
        described = json.loads(str(AgentDataset(filepath=path).preview()))
    except DatasetError:
        return None
    return str(described["fingerprint"])


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
