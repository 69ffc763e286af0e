"""Tapes as ``*.qwop.json`` files: one (``TapeDataset``) or a folder of them (``TapesDataset``)."""

import json
import logging
from typing import Any, ClassVar

from fsspec import AbstractFileSystem
from kedro.io.core import DatasetError
from kedro_datasets._typing import JSONPreview, TablePreview

from qwop_wr.datasets.stored_dataset import FolderDataset, StoredDataset
from qwop_wr.simulator.tape import SUFFIX, Tape
from qwop_wr.simulator.tape_format import MAX_BYTES
from qwop_wr.whole_files import whole_file

logger = logging.getLogger(__name__)


class TapeDataset(StoredDataset[Tape, Tape | None]):
    """``TapeDataset`` loads and saves a key tape as JSON.

    Loading checks the form of the tape but does not replay it.

    Examples:
        Using the YAML API:

        ```yaml
        record_tape:
          type: qwop_wr.datasets.TapeDataset
          filepath: data/01_raw/record.qwop.json
          load_args:
            optional: true
          save_args:
            keep_fastest: true
        ```

        Using the Python API:

        >>> import numpy as np
        >>> from qwop_wr.datasets import TapeDataset
        >>> from qwop_wr.simulator.tape import Tape
        >>>
        >>> tape = Tape.record(np.full(30, 1, np.uint8), engine="box2d")
        >>> dataset = TapeDataset(filepath=tmp_path / "record.qwop.json")
        >>> dataset.save(tape)
        >>> dataset.load() == tape
        True
    """

    KIND: ClassVar[str] = "tape"
    ITEM: ClassVar[type[Tape]] = Tape
    DEFAULT_LOAD_ARGS: ClassVar[dict[str, Any]] = {"optional": False}
    """``optional``: whether a missing file loads as ``None`` instead of being an error."""
    DEFAULT_SAVE_ARGS: ClassVar[dict[str, Any]] = {"keep_fastest": False}
    """``keep_fastest``: whether a file with a faster run is kept when a slower one is saved; one
    of another engine or platform, or no usable tape, is an error then."""

    def _is_settled(self, data: Tape) -> bool:
        if self._save_args["keep_fastest"] and self._stored_path() is not None:
            present = self.load()
            if present is not None and _arithmetic(present) != _arithmetic(data):
                raise DatasetError(
                    f"{self._filepath} holds a run of {_arithmetic(present)}, which one of "
                    f"{_arithmetic(data)} does not replace; name another file"
                )
            if present is not None and present.rank < data.rank:
                logger.info("%s holds a faster run already and is left as it is", self._filepath)
                return True
        return super()._is_settled(data)

    def _read(self, path: str) -> Tape:
        self._check_file(path, MAX_BYTES)
        return _read_tape(self._fs, path)

    def _write(self, path: str, data: Tape) -> None:
        with whole_file(self._fs, path) as file:
            file.write(data.to_json().encode())

    def preview(self) -> JSONPreview:
        """Shows the tape's claims and origin in Kedro-Viz."""
        tape = self.load()
        claims = {} if tape is None else {**vars(tape.claims), "meta": dict(tape.meta)}
        return JSONPreview(json.dumps(claims))


class TapesDataset(FolderDataset[Tape]):
    """``TapesDataset`` loads and saves tapes by name, one JSON file each.

    Loading checks the form of every tape but does not replay it.

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
    ITEM: ClassVar[type[Tape]] = Tape
    SUFFIX: ClassVar[str] = SUFFIX
    DEFAULT_LOAD_ARGS: ClassVar[dict[str, Any]] = {
        "optional": False,
        "max_tapes": 10_000,
        "max_bytes": 2**26,
    }
    """``optional``: whether a missing folder loads as no tapes instead of being an error;
    ``max_tapes``: how many are read at most; ``max_bytes``: how large they may be together
    (a run has about 5 KB; in memory, a tape of nothing but taps is ten times as large)."""

    def preview(self, nrows: int = 20) -> TablePreview:
        """Lists names and claims for Kedro-Viz, the fastest first, then the farthest."""
        tapes = sorted(self.load().items(), key=lambda item: item[1].rank)[:nrows]
        columns = ["name", "finished", "score_time", "distance", "ticks", "engine"]
        rows = [[name, *(getattr(tape, c) for c in columns[1:])] for name, tape in tapes]
        return TablePreview({"index": list(range(len(rows))), "columns": columns, "data": rows})

    def _load_item(self, path: str) -> Tape:
        with self._reading(path):
            return _read_tape(self._fs, path)

    def _save_item(self, path: str, item: Tape) -> None:
        with self._fs.open(path, "wb") as file:
            file.write(item.to_json().encode())


def _read_tape(fs: AbstractFileSystem, path: str) -> Tape:
    content: bytes = fs.cat_file(path, end=MAX_BYTES + 1)
    return Tape.from_json(content.decode())


def _arithmetic(tape: Tape) -> str:
    return f"platform {tape.platform}" if tape.platform else f"engine {tape.engine}"
