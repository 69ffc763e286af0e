"""Files and folders that appear whole or not at all, on any fsspec filesystem."""

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
        aside = _hidden_sibling(fs, path, "old")
        _move(fs, path, aside)
        try:
            _move(fs, temporary, path)
        except BaseException:
            _move(fs, aside, path)
            raise
        fs.rm(aside, recursive=True)


@contextmanager
def _temporary_path(fs: AbstractFileSystem, path: str) -> Iterator[str]:
    """Name a path beside ``path``; on failure, remove it and the folder made for it."""
    parent = fs._parent(path)
    is_parent_new = not fs.exists(parent)
    fs.makedirs(parent, exist_ok=True)
    temporary = _hidden_sibling(fs, path, "part")
    try:
        yield temporary
    except BaseException:
        if fs.exists(temporary):
            fs.rm(temporary, recursive=True)
        if is_parent_new:
            fs.rmdir(parent)
        raise


def _hidden_sibling(fs: AbstractFileSystem, path: str, suffix: str) -> str:
    name = path.rstrip("/").rsplit("/", 1)[-1]
    return f"{fs._parent(path)}/.{name}.{uuid4().hex}.{suffix}"


def _move(fs: AbstractFileSystem, source: str, target: str) -> None:
    # fsspec's local move goes through shutil, which may copy over the target in place.
    move: Callable[[str, str], object] = (
        os.replace
        if isinstance(fs, LocalFileSystem)
        else lambda source, target: fs.mv(source, target, recursive=True)
    )
    move(source, target)
