"""Tapes as ``*.qwop.json`` files: one (``TapeDataset``) or a folder of them (``TapesDataset``)."""

import json
import logging
import os
from typing import Any, ClassVar

from kedro.io.core import DatasetError, Version
from kedro_datasets._typing import JSONPreview, TablePreview

from qwop_wr.datasets.stored_dataset import FolderDataset, StoredDataset
from qwop_wr.simulator.tape import SUFFIX, Tape
from qwop_wr.simulator.tape_format import MAX_BYTES
from qwop_wr.whole_files import whole_file

logger = logging.getLogger(__name__)


class TapeDataset(StoredDataset[Tape, Tape | None]):
    """``TapeDataset`` loads and saves a key tape as JSON.

    Loading checks the form of the tape but does not replay it. The file appears
    whole or not at all.

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
    DEFAULT_LOAD_ARGS: ClassVar[dict[str, Any]] = {"optional": False}
    DEFAULT_SAVE_ARGS: ClassVar[dict[str, Any]] = {"keep_fastest": False}

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
        """Creates a dataset that points to one tape.

        Args:
            filepath: As in ``StoredDataset``, like the arguments not listed here.
            load_args: ``optional``, whether a missing file loads as ``None`` instead
                of being an error.
            save_args: ``keep_fastest``, whether a file with a faster finish is kept
                when a slower one is saved.

        Raises:
            DatasetError: If ``load_args`` or ``save_args`` has an unknown key.
        """
        super().__init__(
            filepath=filepath,
            load_args=load_args,
            version=version,
            credentials=credentials,
            fs_args=fs_args,
            metadata=metadata,
        )
        if unknown := sorted((save_args or {}).keys() - self.DEFAULT_SAVE_ARGS.keys()):
            raise DatasetError(f"{filepath}: unknown save_args {unknown[0]!r}; known: keep_fastest")
        self._save_args = {**self.DEFAULT_SAVE_ARGS, **(save_args or {})}

    def _describe(self) -> dict[str, Any]:
        return {**super()._describe(), "save_args": self._save_args}

    def load(self) -> Tape | None:
        """Loads the tape.

        Returns:
            The tape, its claims unproven; None if there is no file and ``optional``
            is set.

        Raises:
            DatasetError: If the file is missing or is no tape.
        """
        if self._load_args["optional"] and self._stored_path() is None:
            return None
        path = self._required_path()
        with self._reading(path):
            self._check_file(path, MAX_BYTES)
            content: bytes = self._fs.cat_file(path, end=MAX_BYTES + 1)
            return Tape.from_json(content.decode())

    def save(self, data: Tape) -> None:
        """Saves a tape, in place of a slower one if ``keep_fastest`` is set.

        A file that holds the tape already is left alone.

        Raises:
            DatasetError: If it is no tape, the file cannot be written, or
                ``keep_fastest`` is set and the present file is no usable tape
                or one of another engine or platform.
        """
        if not isinstance(data, Tape):
            raise DatasetError(f"{self._filepath}: got a {type(data).__name__}, expected a Tape")
        if self._save_args["keep_fastest"] and self._stored_path() is not None:
            present = self.load()
            if present is not None and _arithmetic(present) != _arithmetic(data):
                raise DatasetError(
                    f"{self._filepath} holds a run of {_arithmetic(present)}, which one of "
                    f"{_arithmetic(data)} does not replace; name another file"
                )
            if present is not None and present.rank < data.rank:
                logger.info("%s holds a faster run already and is left as it is", self._filepath)
                return
        if self._version is None and self._holds(data):
            return
        with self._writing() as path, whole_file(self._fs, path) as file:
            file.write(data.to_json().encode())

    def _holds(self, data: Tape) -> bool:
        """Returns whether the file holds this tape; its bytes may be another release's."""
        try:
            return self._stored_path() is not None and self.load() == data
        except DatasetError:
            return False

    def preview(self) -> JSONPreview:
        """Shows the tape's claims in Kedro-Viz.

        Returns:
            Claims and origin as JSON.
        """
        tape = self.load()
        claims = {} if tape is None else {**vars(tape.claims), "meta": dict(tape.meta)}
        return JSONPreview(json.dumps(claims))


class TapesDataset(FolderDataset[Tape]):
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
        """Lists the fastest tapes for Kedro-Viz.

        Returns:
            Table of names and claims: finished before unfinished, fastest first, then
            farthest first.
        """
        tapes = sorted(self.load().items(), key=lambda item: item[1].rank)[:nrows]
        columns = ["name", "finished", "score_time", "distance", "ticks", "engine"]
        rows = [[name, *(getattr(tape, c) for c in columns[1:])] for name, tape in tapes]
        return TablePreview({"index": list(range(len(rows))), "columns": columns, "data": rows})

    def _load_item(self, path: str) -> Tape:
        with self._reading(path):
            content: bytes = self._fs.cat_file(path, end=MAX_BYTES + 1)
            return Tape.from_json(content.decode())

    def _save_item(self, path: str, item: Tape) -> None:
        with self._fs.open(path, "wb") as file:
            file.write(item.to_json().encode())


def _arithmetic(tape: Tape) -> str:
    return f"platform {tape.platform}" if tape.platform else f"engine {tape.engine}"
