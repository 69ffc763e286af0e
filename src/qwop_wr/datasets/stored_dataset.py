"""Base classes of the project's datasets: filesystem, versions, clear errors, folders of items."""

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from pathlib import PurePosixPath
from typing import Any, ClassVar, Generic, TypeVar, cast

import fsspec
from kedro.io.core import (
    AbstractVersionedDataset,
    DatasetError,
    Version,
    VersionNotFoundError,
    get_filepath_str,
    get_protocol_and_path,
)
from pydantic import ValidationError

from qwop_wr.errors import describe_validation_error
from qwop_wr.whole_files import whole_folder

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class StoredDataset(AbstractVersionedDataset[_In, _Out], ABC, Generic[_In, _Out]):
    """A file or folder on any fsspec filesystem, optionally versioned.

    It appears whole or not at all, and one that holds already what is saved is left alone.

    Args:
        filepath: Path, with a protocol such as ``s3://`` unless it is local.
        load_args: Options of loading, those of ``DEFAULT_LOAD_ARGS``.
        save_args: Options of saving, those of ``DEFAULT_SAVE_ARGS``.
        version: Version to load and to save, if versioned.
        credentials: Credentials of the filesystem.
        metadata: Anything; Kedro ignores it, plugins and hooks may read it.

    Raises:
        DatasetError: If ``load_args`` or ``save_args`` has an unknown key.
    """

    KIND: ClassVar[str]
    """Noun for the content in error messages."""
    ITEM: ClassVar[type[Any]]
    """Class of what is stored."""
    ARTICLE: ClassVar[str] = "a"
    """Article of that class's name."""
    DEFAULT_LOAD_ARGS: ClassVar[Mapping[str, Any]] = {}
    """Options of loading with their defaults. With ``optional`` a missing file is no error."""

    DEFAULT_SAVE_ARGS: ClassVar[Mapping[str, Any]] = {}
    """Options of saving with their defaults."""

    def __init_subclass__(cls, **kwargs: object) -> None:
        """Undoes what Kedro does to methods that a class only inherits.

        Kedro wraps the base class's wrappers again. A constructor then records
        (args, kwargs) as the names of its arguments, and a save resolves its version
        twice, a millisecond apart.
        """
        inherited = [name for name in ("__init__", "load", "save") if name not in vars(cls)]
        super().__init_subclass__(**kwargs)
        for name in inherited:
            if name in vars(cls):
                delattr(cls, name)

    def __init__(
        self,
        *,
        filepath: str | os.PathLike[str],
        load_args: dict[str, Any] | None = None,
        save_args: dict[str, Any] | None = None,
        version: Version | None = None,
        credentials: dict[str, Any] | None = None,
        fs_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        fs_options = deepcopy(fs_args) or {}
        protocol, path = get_protocol_and_path(filepath, version)
        if protocol == "file":
            fs_options.setdefault("auto_mkdir", True)
        self._protocol = protocol
        self._fs = fsspec.filesystem(protocol, **(deepcopy(credentials) or {}), **fs_options)
        self._storage_options: dict[str, Any] = {"credentials": credentials, "fs_args": fs_args}
        self.metadata = metadata
        super().__init__(
            filepath=PurePosixPath(path),
            version=version,
            exists_function=self._fs.exists,
            glob_function=self._fs.glob,
        )
        self._load_args = self._known("load_args", load_args, self.DEFAULT_LOAD_ARGS)
        self._save_args = self._known("save_args", save_args, self.DEFAULT_SAVE_ARGS)

    def _known(
        self, kind: str, given: dict[str, Any] | None, defaults: Mapping[str, Any]
    ) -> dict[str, Any]:
        if unknown := sorted((given or {}).keys() - defaults.keys()):
            known = ", ".join(sorted(defaults)) or "none"
            raise DatasetError(f"{self._filepath}: unknown {kind} {unknown[0]!r}; known: {known}")
        return {**defaults, **(given or {})}

    def load(self) -> _Out:
        """Loads what is stored; None, or no items, if there is nothing and ``optional`` is set.

        Raises:
            DatasetError: If the file is missing, damaged, too big, or of another kind.
        """
        if self._load_args.get("optional") and self._stored_path() is None:
            return self._nothing()
        path = self._required_path()
        with self._reading(path):
            return self._read(path)

    def save(self, data: _In) -> None:
        """Saves an object.

        Raises:
            DatasetError: If it is of another kind or cannot be written.
        """
        self._check(data)
        if self._is_settled(data):
            return
        with self._writing() as path:
            self._write(path, data)

    @abstractmethod
    def _read(self, path: str) -> _Out:
        """Reads from an existing path of the filesystem; ValueError says what is wrong there."""

    @abstractmethod
    def _write(self, path: str, data: _In) -> None:
        """Writes to a path of the filesystem."""

    def _nothing(self) -> _Out:
        """What an optional dataset loads if there is no file."""
        return cast("_Out", None)

    def _check(self, data: _In) -> None:
        """Raises DatasetError if the object cannot be stored."""
        if not isinstance(data, self.ITEM):
            raise DatasetError(
                f"{self._filepath}: got a {type(data).__name__} to save; "
                f"expected {self.ARTICLE} {self.ITEM.__name__}"
            )

    def _is_same(self, present: Any, data: Any) -> bool:  # noqa: ANN401 (of the dataset's kind)
        """Whether a file that loads as ``present`` need not be written again."""
        return bool(present == data)

    # Kedro gives every ``save`` of a class a new version: a subclass must not extend ``save``.
    def _is_settled(self, data: _In) -> bool:
        """Whether nothing is to be written; DatasetError if the object must not be."""
        return self._version is None and self._holds(data)

    def _holds(self, data: _In) -> bool:
        """Whether what is stored need not be written again; its bytes may be another release's."""
        try:
            return self._stored_path() is not None and self._is_same(self.load(), data)
        except DatasetError:
            return False

    def _describe(self) -> dict[str, Any]:
        return {
            "filepath": self._filepath,
            "protocol": self._protocol,
            "load_args": self._load_args,
            "save_args": self._save_args,
            "version": self._version,
        }

    def _exists(self) -> bool:
        return self._stored_path() is not None

    def _release(self) -> None:
        super()._release()
        self._invalidate_cache()

    def _invalidate_cache(self) -> None:
        self._fs.invalidate_cache(get_filepath_str(self._filepath, self._protocol))

    def _stored_path(self) -> str | None:
        """Path to load from, or None if nothing is stored."""
        try:
            path = get_filepath_str(self._get_load_path(), self._protocol)
        except VersionNotFoundError:
            return None
        return path if self._fs.exists(path) else None

    def _required_path(self) -> str:
        """Path to load from.

        Raises:
            DatasetError: If there is nothing.
        """
        path = self._stored_path()
        if path is None:
            version = self._version.load if self._version else None
            wanted = f" in version {version}" if version else ""
            raise DatasetError(
                f"{self._filepath}: there is no {self.KIND} here{wanted}; "
                "run the pipeline that makes it, or put a file there"
            )
        return path

    def _check_file(self, path: str, max_bytes: int) -> int:
        """Checks that a file can be read to its end, before it is opened.

        A pipe would hold the reader up for ever, a device would never end.

        Returns:
            Its size [bytes].

        Raises:
            ValueError: If it is no ordinary file, or has more bytes than allowed.
        """
        facts = self._fs.info(path)
        if facts["type"] != "file":
            raise ValueError("it is no ordinary file")
        if facts["size"] > max_bytes:
            raise ValueError(f"it has {facts['size']} bytes, the limit is {max_bytes}")
        return int(facts["size"])

    @contextmanager
    def _reading(self, path: str) -> Iterator[None]:
        """Adds the file's name to every error of reading."""
        try:
            yield
        except DatasetError:
            raise
        except Exception as error:
            problem = (
                "; ".join(describe_validation_error(error))
                if isinstance(error, ValidationError)
                else str(error) or type(error).__name__
            )
            raise DatasetError(
                f"{path}: no usable {self.KIND}: {problem}; replace or delete it"
            ) from error

    @contextmanager
    def _writing(self) -> Iterator[str]:
        """Yields the path to write to, and adds it to every error of writing."""
        path = get_filepath_str(self._get_save_path(), self._protocol)
        try:
            yield path
        except OSError as error:
            raise DatasetError(
                f"{path}: cannot write the {self.KIND}: {error.strerror or error}; "
                "nothing that was there has changed"
            ) from error
        self._invalidate_cache()


_Item = TypeVar("_Item")

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class FolderDataset(StoredDataset[Mapping[str, _Item], dict[str, _Item]], ABC, Generic[_Item]):
    """Items by name, one file each.

    The folder is exchanged as a whole: after a save it holds the given items and no
    others. A load reads at most as many items, in the order of names, as the load argument
    ``max_<item>s`` says, and at most ``max_bytes`` of them all; other files in the folder are
    left alone.
    """

    SUFFIX: ClassVar[str]
    """Ending of the files' names."""

    def _read(self, path: str) -> dict[str, _Item]:
        items = f"{self.ITEM.__name__.lower()}s"
        found = sorted(
            file for file in self._fs.ls(path, detail=False) if file.lower().endswith(self.SUFFIX)
        )
        limit = self._load_args[f"max_{items}"]
        if len(found) > limit:
            raise ValueError(f"it holds {len(found)} {items}, the limit is {limit}")
        left = self._load_args["max_bytes"]
        for file in found:
            with self._reading(file):
                left -= self._check_file(file, left)
        return {self._name(file): self._load_item(file) for file in found}

    def _write(self, path: str, data: Mapping[str, _Item]) -> None:
        with whole_folder(self._fs, path) as folder:
            for name, item in data.items():
                self._save_item(f"{folder}/{name}{self.SUFFIX}", item)

    def _nothing(self) -> dict[str, _Item]:
        return {}

    def _check(self, data: Mapping[str, _Item]) -> None:
        for name, item in data.items():
            if not _SAFE_NAME.fullmatch(name):
                raise DatasetError(
                    f"{self._filepath}: {name!r} cannot name {self.ARTICLE} "
                    f"{self.ITEM.__name__.lower()}; use letters, digits, '.', '_' and '-', "
                    "beginning with a letter or digit"
                )
            if not isinstance(item, self.ITEM):
                raise DatasetError(
                    f"{self._filepath}: {name!r} is a {type(item).__name__}, "
                    f"expected {self.ARTICLE} {self.ITEM.__name__}"
                )

    @abstractmethod
    def _load_item(self, path: str) -> _Item:
        """Reads an item from a file of the filesystem."""

    @abstractmethod
    def _save_item(self, path: str, item: _Item) -> None:
        """Writes an item to a new file of the filesystem."""

    def _is_same_item(self, present: _Item, item: _Item) -> bool:
        return bool(present == item)

    def _is_same(self, present: Mapping[str, _Item], data: Mapping[str, _Item]) -> bool:
        return present.keys() == data.keys() and all(
            self._is_same_item(present[name], item) for name, item in data.items()
        )

    def _name(self, path: str) -> str:
        return path.rsplit("/", 1)[-1][: -len(self.SUFFIX)]
