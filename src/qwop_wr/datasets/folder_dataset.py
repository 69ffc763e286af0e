"""What datasets of named items have in common: a folder with one file per item."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, TypeVar

from kedro.io.core import DatasetError

from qwop_wr.datasets.stored_dataset import StoredDataset
from qwop_wr.datasets.whole_files import whole_folder

_Item = TypeVar("_Item")

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class FolderDataset(StoredDataset[Mapping[str, _Item], dict[str, _Item]], ABC, Generic[_Item]):
    """Items by name, one file each.

    The folder is exchanged as a whole: after a save it holds the given items and no
    others; if it holds them already it is left alone. A load reads at most as many items
    as the load argument ``max_<item>s`` says, and at most ``max_bytes`` of them all; other
    files in the folder are left alone.
    """

    ITEM: ClassVar[type[Any]]
    """Class of the items; its name in lower case is what messages call them."""
    ARTICLE: ClassVar[str] = "a"
    """Article of that name."""
    SUFFIX: ClassVar[str]
    """Ending of the files' names."""

    def load(self) -> dict[str, _Item]:
        """Load all items of the folder.

        Returns:
            Items by file name without suffix, in the order of names; none if there
            is no folder and the load argument ``optional`` is set.

        Raises:
            DatasetError: If the folder is missing, holds too many items or too large
                ones, or one of them cannot be read.
        """
        if self._load_args["optional"] and self._stored_path() is None:
            return {}
        folder = self._required_path()
        items = f"{self.ITEM.__name__.lower()}s"
        with self._reading(folder):
            paths = sorted(
                path
                for path in self._fs.ls(folder, detail=False)
                if path.lower().endswith(self.SUFFIX)
            )
            limit = self._load_args[f"max_{items}"]
            if len(paths) > limit:
                raise ValueError(f"it holds {len(paths)} {items}, the limit is {limit}")
            left = self._load_args["max_bytes"]
        for path in paths:
            with self._reading(path):
                left -= self._check_file(path, left)
        return {self._name(path): self._load_item(path) for path in paths}

    def save(self, data: Mapping[str, _Item]) -> None:
        """Save the items in place of those that are there.

        Args:
            data: Items by name.

        Raises:
            DatasetError: If a name cannot be a file name, a value is no such item,
                or the folder cannot be written.
        """
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
        if self._version is None and self._holds(data):
            return
        with self._writing() as path, whole_folder(self._fs, path) as folder:
            for name, item in data.items():
                self._save_item(f"{folder}/{name}{self.SUFFIX}", item)

    @abstractmethod
    def _load_item(self, path: str) -> _Item:
        """Read an item from a file of the filesystem."""

    @abstractmethod
    def _save_item(self, path: str, item: _Item) -> None:
        """Write an item to a new file of the filesystem."""

    def _is_same(self, present: _Item, item: _Item) -> bool:
        """Tell whether a file need not be written again."""
        return bool(present == item)

    def _holds(self, data: Mapping[str, _Item]) -> bool:
        if self._stored_path() is None:
            return False
        try:
            present = self.load()
        except DatasetError:
            return False
        return present.keys() == data.keys() and all(
            self._is_same(present[name], item) for name, item in data.items()
        )

    def _name(self, path: str) -> str:
        return path.rsplit("/", 1)[-1][: -len(self.SUFFIX)]
