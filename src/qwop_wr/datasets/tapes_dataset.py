"""``TapesDataset`` keeps named tapes as a folder of ``*.qwop.json`` files."""

import os
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from kedro.io.core import DatasetError, Version
from kedro_datasets._typing import TablePreview

from qwop_wr.datasets.stored_dataset import StoredDataset
from qwop_wr.datasets.whole_files import whole_folder
from qwop_wr.simulator.tape import SUFFIX, Tape
from qwop_wr.simulator.tape_format import MAX_BYTES

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class TapesDataset(StoredDataset[Mapping[str, Tape], dict[str, Tape]]):
    """``TapesDataset`` loads and saves tapes by name, one JSON file each.

    The folder is exchanged as a whole: after a save it holds the given tapes and no
    others. Loading checks the form of every tape but does not replay it.

    Examples:
        Using the YAML API:

        ```yaml
        tapes:
          type: qwop_wr.datasets.TapesDataset
          filepath: data/07_model_output/tapes
          versioned: true
        ```

        Using the Python API:

        >>> import numpy as np
        >>> from qwop_wr.datasets import TapesDataset
        >>> from qwop_wr.simulator.tape import Tape
        >>>
        >>> tape = Tape.record(np.full(30, 1, np.uint8), engine="box2d")
        >>> dataset = TapesDataset(filepath=tmp_path / "tapes")
        >>> dataset.save({"seed_7": tape})
        >>> dataset.load() == {"seed_7": tape}
        True
    """

    KIND: ClassVar[str] = "folder of tapes"
    DEFAULT_LOAD_ARGS: ClassVar[dict[str, Any]] = {"max_tapes": 10_000}

    def __init__(
        self,
        *,
        filepath: str | os.PathLike[str],
        load_args: dict[str, Any] | None = None,
        version: Version | None = None,
        credentials: dict[str, Any] | None = None,
        fs_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Create a dataset that points to one folder of tapes.

        Args:
            filepath: Folder, with a protocol such as ``s3://`` unless it is local.
            load_args: ``max_tapes``, how many files are read at most.
            version: Version to load and to save, if versioned.
            credentials: Credentials of the filesystem.
            fs_args: Further arguments of the fsspec filesystem.
            metadata: Anything; Kedro ignores it, plugins and hooks may read it.

        Raises:
            DatasetError: If ``load_args`` has an unknown key.
        """
        super().__init__(
            filepath=filepath,
            load_args=load_args,
            version=version,
            credentials=credentials,
            fs_args=fs_args,
            metadata=metadata,
        )

    def load(self) -> dict[str, Tape]:
        """Load all tapes of the folder.

        Returns:
            Tapes by file name without suffix, in the order of names.

        Raises:
            DatasetError: If the folder is missing or a tape cannot be read.
        """
        folder = self._required_path()
        with self._reading(folder):
            paths = sorted(
                path for path in self._fs.ls(folder, detail=False) if path.endswith(SUFFIX)
            )
            if len(paths) > self._load_args["max_tapes"]:
                raise ValueError(
                    f"it holds {len(paths)} tapes, the limit is {self._load_args['max_tapes']}"
                )
        return {_name(path): self._load_tape(path) for path in paths}

    def _load_tape(self, path: str) -> Tape:
        with self._reading(path):
            content: bytes = self._fs.cat_file(path, end=MAX_BYTES + 1)
            return Tape.from_json(content.decode())

    def save(self, data: Mapping[str, Tape]) -> None:
        """Save the tapes in place of those that are there.

        Args:
            data: Tapes by name.

        Raises:
            DatasetError: If a name cannot be a file name, a value is not a tape, or
                the folder cannot be written.
        """
        for name, tape in data.items():
            if not _SAFE_NAME.fullmatch(name):
                raise DatasetError(
                    f"{self._filepath}: {name!r} cannot name a tape; use letters, digits, "
                    "'.', '_' and '-', beginning with a letter or digit"
                )
            if not isinstance(tape, Tape):
                raise DatasetError(
                    f"{self._filepath}: {name!r} is a {type(tape).__name__}, expected a Tape"
                )
        with self._writing() as path, whole_folder(self._fs, path) as folder:
            for name, tape in data.items():
                with self._fs.open(f"{folder}/{name}{SUFFIX}", "wb") as file:
                    file.write(tape.to_json().encode())

    def preview(self, nrows: int = 20) -> TablePreview:
        """List the fastest tapes for Kedro-Viz.

        Args:
            nrows: Number of tapes.

        Returns:
            Table of names and claims: finished before unfinished, fastest first, then
            farthest first.
        """
        tapes = sorted(self.load().items(), key=lambda item: item[1].rank)[:nrows]
        columns = ["name", "finished", "score_time", "distance", "ticks", "engine"]
        rows = [[name, *(getattr(tape, c) for c in columns[1:])] for name, tape in tapes]
        return TablePreview({"index": list(range(len(rows))), "columns": columns, "data": rows})


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1].removesuffix(SUFFIX)
