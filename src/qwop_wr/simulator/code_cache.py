"""Machine code on disk: Numba's cache, guarded against old constants and damaged files.

Compiled code holds the values of constants that it read from other modules, but Numba only
looks at the file that holds the function. Here code belongs to a fingerprint of all its
sources as well. No fault of a cache is an error: code is compiled again instead.
"""

import hashlib
import logging
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.serialize import dumps

logger = logging.getLogger(__name__)

Report = Callable[[str], None]
"""Receives why code is not kept."""


class _SealedCode(NamedTuple):
    digest: bytes
    content: bytes


class _SealedCodeFormat(CompileResultCacheImpl):
    """Code under a digest: damaged machine code would crash, or worse, run."""

    def reduce(self, code: object) -> _SealedCode:
        content: bytes = dumps(super().reduce(code))  # type: ignore[no-untyped-call]
        return _SealedCode(hashlib.sha256(content).digest(), content)

    def rebuild(self, target_context: object, sealed: object) -> object:
        if not isinstance(sealed, _SealedCode):
            raise ValueError("it is of another format")
        if hashlib.sha256(sealed.content).digest() != sealed.digest:
            raise ValueError("it is damaged")
        code = pickle.loads(sealed.content)  # noqa: S301 - as Numba reads its own cache
        return super().rebuild(target_context, code)  # type: ignore[no-untyped-call]


class CodeCache(FunctionCache):
    """Cache of one function's machine code.

    Args:
        fingerprint: Of all sources that the code is made from.
        report: Called with the reason if code could not be written.

    Raises:
        RuntimeError: If there is no folder for a cache.
        OSError: If the folder cannot be used.
    """

    _impl_class = _SealedCodeFormat

    def __init__(self, function: Callable[..., Any], fingerprint: int, report: Report) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        self._fingerprint = fingerprint
        self._report = report

    def load_overload(self, sig: object, target_context: object) -> object:
        """Loads code; returns None if the cached code cannot be used."""
        try:
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        except Exception as error:  # whatever unpickling garbage raises
            logger.debug("cached code of %s cannot be read: %r", self._name, error)
            return None

    def save_overload(self, sig: object, data: object) -> None:
        """Keeps code if that is possible."""
        try:
            self._save(sig, data)
        except OSError as error:
            self._report(str(error))

    def _index_key(self, sig: object, codegen: object) -> tuple[object, ...]:
        return (*super()._index_key(sig, codegen), self._fingerprint)  # type: ignore[no-untyped-call]

    def _save(self, sig: object, data: object) -> None:
        try:
            super().save_overload(sig, data)  # type: ignore[no-untyped-call]
        except OSError:
            raise
        except Exception as error:
            logger.debug("cache of %s begins anew: %r", self._name, error)
            self.flush()  # type: ignore[no-untyped-call]
            super().save_overload(sig, data)  # type: ignore[no-untyped-call]


def fingerprint(*sources: Path) -> int:
    """Returns a number that changes with any of the files, or a folder's Python files."""
    digest = hashlib.sha256()
    for source in sources:
        for file in sorted(source.glob("*.py")) if source.is_dir() else [source]:
            digest.update(file.read_bytes())
    return int.from_bytes(digest.digest()[:7], "big")


def keep_code(dispatcher: Callable[..., Any], fingerprint: int, report: Report) -> None:
    """Caches a dispatcher's machine code on disk, if there is a place for it.

    ``fingerprint`` is that of all sources; ``report`` is called with the reason if it fails.
    """
    kept: Any = dispatcher
    try:
        kept._cache = CodeCache(kept.py_func, fingerprint, report)
    except (RuntimeError, OSError) as error:
        report(str(error))
