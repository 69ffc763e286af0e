"""Files and folders that appear whole or not at all, on any fsspec filesystem."""

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO
from uuid import uuid4

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem


@contextmanager
def whole_file(fs: AbstractFileSystem, path: str) -> Iterator[IO[bytes]]:
    """Write a file beside ``path`` that takes its place when the block succeeds.

    If the block fails, what was at ``path`` is still there and nothing is left
    behind.

    Args:
        fs: Filesystem of the path.
        path: Where the file is to appear; missing folders are made.

    Yields:
        Binary file to write to.
    """
    with _temporary_path(fs, path) as temporary:
        with fs.open(temporary, "wb") as file:
            yield file
            _to_disk(file)
        _move(fs, temporary, path)


@contextmanager
def whole_folder(fs: AbstractFileSystem, path: str) -> Iterator[str]:
    """Fill a folder beside ``path`` that takes its place when the block succeeds.

    A folder that was at ``path`` is set aside for the moment of the exchange and
    put back if that fails.

    Args:
        fs: Filesystem of the path.
        path: Where the folder is to appear; missing folders are made.

    Yields:
        Path of the folder to fill.
    """
    with _temporary_path(fs, path) as temporary:
        fs.makedirs(temporary)
        yield temporary
        if not fs.exists(path):
            _move(fs, temporary, path)
            return
        aside = hidden_sibling(path, "old")
        _move(fs, path, aside)
        try:
            _move(fs, temporary, path)
        except BaseException:
            _move(fs, aside, path)
            raise
        _remove(fs, aside)


@contextmanager
def _temporary_path(fs: AbstractFileSystem, path: str) -> Iterator[str]:
    """Name a path beside ``path``; on failure, remove it and the folder made for it."""
    parent = fs._parent(path)
    is_parent_new = not fs.exists(parent)
    fs.makedirs(parent, exist_ok=True)
    temporary = hidden_sibling(path, "part")
    try:
        yield temporary
    except BaseException:
        if fs.exists(temporary):
            _remove(fs, temporary)
        if is_parent_new:
            fs.rmdir(parent)
        raise


def hidden_sibling(path: str, suffix: str) -> str:
    """Name a file or folder beside another that no listing takes for it.

    Args:
        path: The other, with forward slashes.
        suffix: Tells what it is for.

    Returns:
        A path that is new.
    """
    parent, _, name = path.rstrip("/").rpartition("/")
    return f"{parent}/.{name}.{uuid4().hex}.{suffix}"


def _to_disk(file: IO[bytes]) -> None:
    """Let a local file outlive a power cut, so that never an empty one takes a place."""
    with contextlib.suppress(AttributeError, OSError):
        file.flush()
        os.fsync(file.fileno())


def _remove(fs: AbstractFileSystem, path: str) -> None:
    if isinstance(fs, LocalFileSystem) and os.path.islink(path):
        # What the link leads to is somebody else's.
        os.unlink(path)
    else:
        fs.rm(path, recursive=True)


def _move(fs: AbstractFileSystem, source: str, target: str) -> None:
    # fsspec's local move goes through shutil, which may copy over the target in place.
    move: Callable[[str, str], object] = (
        os.replace
        if isinstance(fs, LocalFileSystem)
        else lambda source, target: fs.mv(source, target, recursive=True)
    )
    move(source, target)
