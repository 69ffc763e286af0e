"""``TapesDataset`` keeps named tapes as a folder of ``*.qwop.json`` files."""

from typing import Any, ClassVar

from kedro_datasets._typing import TablePreview

from qwop_wr.datasets.folder_dataset import FolderDataset
from qwop_wr.simulator.tape import SUFFIX, Tape
from qwop_wr.simulator.tape_format import MAX_BYTES


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

    def _load_item(self, path: str) -> Tape:
        with self._reading(path):
            content: bytes = self._fs.cat_file(path, end=MAX_BYTES + 1)
            return Tape.from_json(content.decode())

    def _save_item(self, path: str, item: Tape) -> None:
        with self._fs.open(path, "wb") as file:
            file.write(item.to_json().encode())
