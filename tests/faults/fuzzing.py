"""Reads damaged files and tells what came of it."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tests.faults.mutations import KINDS, Mutation
from tests.faults.readers import Reader

FORBIDDEN_EVENTS = frozenset(
    {"pickle.find_class", "os.system", "os.exec", "os.posix_spawn", "subprocess.Popen"}
)
"""Events of Python's audit that no reader of data has a reason to cause."""

_watching: list[list[str]] = []
_is_hooked: list[bool] = []


class ExecutionError(AssertionError):
    """A reader executed what a file told it to."""


@contextmanager
def watched(canary: Path) -> Iterator[None]:
    """Fail if code of a file's making runs in the block.

    Args:
        canary: Folder that hostile payloads make.
    """
    if not _is_hooked:
        # An audit hook cannot be removed; it idles between the blocks.
        sys.addaudithook(_audit)
        _is_hooked.append(True)
    events: list[str] = []
    _watching.append(events)
    try:
        yield
    finally:
        _watching.remove(events)
    if events or canary.exists():
        raise ExecutionError(f"executed: {events or canary}")


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _watching and event in FORBIDDEN_EVENTS:
        _watching[-1].append(event)


def attempt(reader: Reader, content: bytes, path: Path, canary: Path) -> str:
    """Let a reader read a file.

    Args:
        reader: The reader.
        content: The file.
        path: Where to put it.
        canary: Folder that hostile payloads make.

    Returns:
        ``accepted`` or ``refused``; anything else is raised.
    """
    path.write_bytes(content)
    with watched(canary):
        try:
            reader.read(path)
        except reader.refusals as error:
            if isinstance(error.__cause__, MemoryError):
                raise AssertionError("refused only when the memory was full") from error
            return "refused"
    return "accepted"


def damaged(reader: Reader, mutations: Sequence[Mutation], rewrite: int) -> bytes:
    """Damage a reader's sample in one of the ways that it has."""
    return reader.rewrites[rewrite % len(reader.rewrites)](reader.sample, mutations)


def draw_mutations(rng: np.random.Generator, payloads: Sequence[bytes]) -> list[Mutation]:
    """Draw one to four mutations."""
    return [
        Mutation(
            kind=str(rng.choice(list(KINDS))),
            where=float(rng.random()),
            payload=_payload(rng, payloads),
        )
        for _ in range(int(rng.integers(1, 5)))
    ]


def _payload(rng: np.random.Generator, payloads: Sequence[bytes]) -> bytes:
    if rng.random() < 0.3:
        return rng.bytes(int(rng.integers(1, 9)))
    return payloads[int(rng.integers(len(payloads)))]


def fuzz(
    reader: Reader, n_files: int, folder: Path, payloads: Sequence[bytes], canary: Path, seed: int
) -> tuple[Counter[str], list[str]]:
    """Damage a reader's sample many times.

    Returns:
        How many files were accepted, refused, crashed and executed; and the first crashes.
    """
    rng = np.random.default_rng(seed)
    path = folder / f"file{reader.suffix}"
    counts: Counter[str] = Counter()
    crashes: list[str] = []
    for number in range(n_files):
        content = damaged(reader, draw_mutations(rng, payloads), number)
        try:
            counts[attempt(reader, content, path, canary)] += 1
        except ExecutionError as error:
            counts["executed"] += 1
            crashes.append(str(error))
        except Exception as error:  # any other is what is looked for
            counts["crashed"] += 1
            crashes.append(f"{type(error).__name__}: {error}"[:200])
    return counts, crashes[:5]
