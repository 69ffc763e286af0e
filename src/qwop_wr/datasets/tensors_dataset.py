"""Base class of datasets in one safetensors file with a JSON description."""

import json
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, ClassVar, Generic, NamedTuple, TypeVar

import numpy as np
from fsspec.implementations.local import LocalFileSystem
from kedro_datasets._typing import JSONPreview
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as parse_tensors
from safetensors.numpy import save as format_tensors
from safetensors.numpy import save_file

from qwop_wr.datasets.stored_dataset import StoredDataset
from qwop_wr.whole_files import whole_path_on

_Item = TypeVar("_Item")
_FORMAT_VERSION = 1
_LENGTH_BYTES = 8
_MAX_HEADER_BYTES = 2**20

Tensors = Mapping[str, NDArray[Any]]


class Described(NamedTuple):
    """An item as the file holds it.

    Attributes:
        description: JSON object.
    """

    description: Mapping[str, Any]
    tensors: Tensors


class TensorsDataset(StoredDataset[_Item, _Item | None], Generic[_Item]):
    """One safetensors file: tensors, and a JSON description in its header.

    Nothing in the file can execute.
    """

    METADATA_KEY: ClassVar[str]
    """Name of the description in the header. There is one entry only: safetensors writes
    several in an order that changes from run to run."""
    NAMES: ClassVar[frozenset[str]]
    """Keys of the description."""
    OBJECT: ClassVar[str]
    """The one of them that holds a JSON object of any content."""

    def _read(self, path: str) -> _Item:
        self._check_file(path, self._load_args["max_bytes"])
        with self._fs.open(path, "rb") as file:
            description = self._read_description(file)
            file.seek(0)
            return self._decode(description, _parse(file.read()))

    def _write(self, path: str, data: _Item) -> None:
        described = self._encode(data)
        text = json.dumps(
            {"format_version": _FORMAT_VERSION, **described.description}, sort_keys=True
        )
        # safetensors takes their memory as it lies, in whatever order.
        tensors = {name: np.asarray(array, order="C") for name, array in described.tensors.items()}
        metadata = {self.METADATA_KEY: text}
        with whole_path_on(self._fs, path) as temporary:
            if isinstance(self._fs, LocalFileSystem):
                _save_file(tensors, Path(temporary), metadata)
            else:
                self._fs.pipe_file(temporary, format_tensors(tensors, metadata))

    def _is_same(self, present: _Item, data: _Item) -> bool:
        found, given = self._encode(present), self._encode(data)
        return (
            _texts(found.description) == _texts(given.description)
            and found.tensors.keys() == given.tensors.keys()
            and all(
                _facts(array) == _facts(found.tensors[name])
                for name, array in given.tensors.items()
            )
        )

    def preview(self) -> JSONPreview:
        """Shows the item's description in Kedro-Viz, without its tensors."""
        path = self._required_path()
        with self._reading(path), self._fs.open(path, "rb") as file:
            return JSONPreview(json.dumps(self._read_description(file)))

    @abstractmethod
    def _encode(self, item: _Item) -> Described:
        """Splits an item into description and tensors."""

    @abstractmethod
    def _decode(self, description: Mapping[str, Any], tensors: Tensors) -> _Item:
        """Builds an item; raises ValueError if the parts do not form one."""

    def _read_description(self, file: IO[bytes]) -> dict[str, Any]:
        """Reads the description in the header, without the tensors."""
        length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        if not 0 < length <= _MAX_HEADER_BYTES:
            raise ValueError("it is not a safetensors file with a header of reasonable size")
        header = json.loads(file.read(length))
        metadata = header.get("__metadata__") if isinstance(header, dict) else None
        if not isinstance(metadata, dict) or self.METADATA_KEY not in metadata:
            raise ValueError(
                f"it is a safetensors file without {self.METADATA_KEY!r} in its metadata"
            )
        description = json.loads(metadata[self.METADATA_KEY])
        names = {"format_version", *self.NAMES}
        if not isinstance(description, dict) or description.keys() != names:
            raise ValueError(f"its description must have the keys {', '.join(sorted(names))}")
        if not isinstance(description[self.OBJECT], dict):
            raise ValueError(f"its {self.OBJECT} must be a JSON object")
        if description["format_version"] != _FORMAT_VERSION:
            raise ValueError(
                f"its format_version is {description['format_version']!r}, "
                f"expected {_FORMAT_VERSION}"
            )
        return description


def _parse(content: bytes) -> dict[str, NDArray[Any]]:
    try:
        return parse_tensors(content)
    except SafetensorError as error:
        raise ValueError(f"it is truncated or damaged ({error})") from error


def _save_file(tensors: dict[str, NDArray[Any]], path: Path, metadata: dict[str, str]) -> None:
    """Writes the arrays as they lie: as bytes they would be in memory twice more."""
    path.touch()
    mode = path.stat().st_mode
    try:
        save_file(tensors, path, metadata)
    except SafetensorError as error:
        raise OSError(str(error)) from error
    path.chmod(mode)  # save_file gives its owner alone the right to read


def _texts(description: Mapping[str, Any]) -> str:
    return json.dumps(description, sort_keys=True)


def _facts(array: NDArray[Any]) -> tuple[Any, ...]:
    return array.dtype, array.shape, array.tobytes()
