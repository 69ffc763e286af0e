"""Local files whose writes appear whole or not at all, for datasets that are not the project's."""

import contextlib
import io
import os
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from qwop_wr.datasets.whole_files import hidden_sibling


class WholeFilesystem(LocalFileSystem):  # type: ignore[misc]  # fsspec has no types
    """The local filesystem; a file that is opened for writing appears when it is closed.

    Until then, and if its block or a write fails (an interruption, a full disk), what was
    there is still there. Other modes of opening are as they were.
    """

    def open(self, path: str, mode: str = "rb", *args: Any, **kwargs: Any) -> IO[Any]:  # noqa: ANN401
        """Open a file.

        Args:
            path: The file.
            mode: As of Python's ``open``.
            *args: Further arguments of the filesystem.
            **kwargs: Further arguments of the filesystem, or of a text file.

        Returns:
            The file.
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
    """A binary file beside the target, which takes its place when it is closed.

    Args:
        target: Where it is to appear.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._partial = Path(hidden_sibling(target.as_posix(), "part"))
        self._is_good = True
        super().__init__(io.FileIO(self._partial, "wb"))

    def write(self, data: Any, /) -> int:  # noqa: ANN401 (any buffer)
        """Write; the file is given up if that fails."""
        try:
            return super().write(data)
        except BaseException:
            self._is_good = False
            raise

    def discard(self) -> None:
        """Give the file up."""
        self._is_good = False

    def close(self) -> None:
        """Put the file in its place, or take it away."""
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
    """Let everything that writes local files through fsspec write them whole."""
    for protocol in ("file", "local"):
        fsspec.register_implementation(protocol, WholeFilesystem, clobber=True)
    LocalFileSystem.clear_instance_cache()
