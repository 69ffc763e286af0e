"""Files and folders that appear whole or not at all.

A failure on the way, such as an interruption or a full disk, leaves the previous content and
no temporary file.
"""

import contextlib
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any
from uuid import uuid4

import fsspec
from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem


@contextmanager
def whole_path(path: Path) -> Iterator[Path]:
    """Gives a path beside ``path`` whose file takes its place when the block succeeds.

    Args:
        path: Where the file is to appear; its folder exists.

    Yields:
        Path to write to.

    Raises:
        OSError: If the file cannot take its place.
    """
    partial = path.with_name(_hidden_name(path.name, "part"))
    try:
        yield partial
        partial.replace(path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


@contextmanager
def whole_path_on(fs: AbstractFileSystem, path: str) -> Iterator[str]:
    """Gives a path beside ``path`` whose file takes its place when the block succeeds.

    Args:
        fs: Filesystem of the path.
        path: Where the file is to appear; missing folders are made.

    Yields:
        Path to write to.
    """
    with _temporary_path(fs, path) as temporary:
        yield temporary
        if isinstance(fs, LocalFileSystem):
            _to_disk(temporary)
        _move(fs, temporary, path)


@contextmanager
def whole_file(fs: AbstractFileSystem, path: str) -> Iterator[IO[bytes]]:
    """Writes a file beside ``path`` that takes its place when the block succeeds.

    Args:
        fs: Filesystem of the path.
        path: Where the file is to appear; missing folders are made.
    """
    with whole_path_on(fs, path) as temporary, fs.open(temporary, "wb") as file:
        yield file


@contextmanager
def whole_folder(fs: AbstractFileSystem, path: str) -> Iterator[str]:
    """Fills a folder beside ``path`` that takes its place when the block succeeds.

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
        aside = _hidden_sibling(path, "old")
        _move(fs, path, aside)
        try:
            _move(fs, temporary, path)
        except BaseException:
            _move(fs, aside, path)
            raise
        _remove(fs, aside)


@contextmanager
def _temporary_path(fs: AbstractFileSystem, path: str) -> Iterator[str]:
    """Names a path beside ``path``; on failure, removes it and the folder made for it."""
    parent = fs._parent(path)
    is_parent_new = not fs.exists(parent)
    fs.makedirs(parent, exist_ok=True)
    temporary = _hidden_sibling(path, "part")
    try:
        yield temporary
    except BaseException:
        if fs.exists(temporary):
            _remove(fs, temporary)
        if is_parent_new:
            fs.rmdir(parent)
        raise


def _hidden_sibling(path: str, suffix: str) -> str:
    parent, _, name = path.rstrip("/").rpartition("/")
    return f"{parent}/{_hidden_name(name, suffix)}"


def _hidden_name(name: str, suffix: str) -> str:
    return f".{name}.{uuid4().hex}.{suffix}"


def _to_disk(path: str) -> None:
    """Syncs a local file, so that a power cut never leaves an empty one in place."""
    with open(path, "r+b") as file, contextlib.suppress(OSError):
        os.fsync(file.fileno())


def _remove(fs: AbstractFileSystem, path: str) -> None:
    if isinstance(fs, LocalFileSystem) and os.path.islink(path):
        # Only the link: its target is not ours.
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


class WholeFilesystem(LocalFileSystem):  # type: ignore[misc]  # fsspec has no types
    """The local filesystem, where a file opened for writing appears when it is closed.

    Until then, and if its block or a write fails (an interruption, a full disk), the previous
    file stays. Other modes of opening are unchanged.
    """

    def open(self, path: str, mode: str = "rb", *args: Any, **kwargs: Any) -> IO[Any]:  # noqa: ANN401
        """Opens a file.

        Args:
            mode: As of Python's ``open``.
        """
        if mode.replace("t", "") not in ("w", "wb") or kwargs.get("compression"):
            return super().open(path, mode, *args, **kwargs)  # type: ignore[no-any-return]
        target = self._strip_protocol(path)
        if self.auto_mkdir:
            self.makedirs(self._parent(target), exist_ok=True)
        file = _WholeFile(Path(target))
        if "b" in mode:
            return file
        known = ("encoding", "errors", "newline")
        return _WholeText(file, **{name: kwargs[name] for name in known if name in kwargs})


class _WholeFile(io.BufferedWriter):
    """A temporary file beside the target, which it replaces when it is closed."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._partial = target.with_name(_hidden_name(target.name, "part"))
        self._is_good = True
        super().__init__(io.FileIO(self._partial, "wb"))

    def write(self, data: Any, /) -> int:  # noqa: ANN401 (any buffer)
        """Writes; a failure discards the file."""
        try:
            return super().write(data)
        except BaseException:
            self._is_good = False
            raise

    def discard(self) -> None:
        """Discards the file when it is closed."""
        self._is_good = False

    def close(self) -> None:
        """Moves the file into place, or removes it if it is discarded."""
        if self.closed:
            return
        try:
            try:
                if self._is_good:
                    self.flush()
                    os.fsync(self.fileno())
            finally:
                # A failed flush leaves something to be flushed, at which closing fails again.
                with contextlib.suppress(OSError):
                    super().close()
                self.raw.close()
            if self._is_good:
                self._partial.replace(self._target)
        finally:
            self._partial.unlink(missing_ok=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.discard()
        super().__exit__(kind, error, traceback)


class _WholeText(io.TextIOWrapper):
    """A text file over a whole one."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None and isinstance(self.buffer, _WholeFile):
            self.buffer.discard()
        super().__exit__(kind, error, traceback)


def write_whole_files() -> None:
    """Make everything that writes local files through fsspec write them whole."""
    for protocol in ("file", "local"):
        fsspec.register_implementation(protocol, WholeFilesystem, clobber=True)
    LocalFileSystem.clear_instance_cache()
