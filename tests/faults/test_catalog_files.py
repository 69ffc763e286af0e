"""Files of the catalog that were cut, emptied or flipped: a pipeline's start says which."""

from pathlib import Path

import numpy as np
import pytest
from kedro.io import DatasetError

from qwop_wr.whole_files import write_whole_files
from tests.faults.soak.disk import SAVINGS

FILES = ["agent", "training state", "demonstrations", "tape", "JSON", "table"]
FOLDERS = ["folder of agents", "folder of tapes"]


def stored(kind: str, folder: Path) -> tuple[object, Path]:
    """Save something and tell where one of its files is."""
    write_whole_files()
    dataset = SAVINGS[kind].make(folder / "kept")
    dataset.save(SAVINGS[kind].item(1))
    return dataset, next(path for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.mark.parametrize("kind", FILES + FOLDERS)
def test_an_empty_file(kind: str, tmp_path: Path) -> None:
    dataset, path = stored(kind, tmp_path)
    path.write_bytes(b"")
    with pytest.raises(DatasetError, match=r"kept|No columns"):
        dataset.load()  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", [kind for kind in FILES + FOLDERS if kind != "table"])
def test_a_file_that_was_cut(kind: str, tmp_path: Path) -> None:
    # A table that is cut still is one; its rows are counted where it is used.
    dataset, path = stored(kind, tmp_path)
    content = path.read_bytes()
    for length in np.linspace(1, len(content) - 3, 7, dtype=int).tolist():
        path.write_bytes(content[:length])
        with pytest.raises(DatasetError, match="kept"):
            dataset.load()  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["agent", "demonstrations", "folder of agents", "training state"])
def test_a_flipped_bit_in_numbers(kind: str, tmp_path: Path) -> None:
    # These know their own checksum or fingerprint.
    dataset, path = stored(kind, tmp_path)
    content = path.read_bytes()
    number = np.int64(1) if kind == "training state" else np.float32(1)
    place = content.rindex(number.tobytes())
    path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    with pytest.raises(DatasetError, match="kept"):
        dataset.load()  # type: ignore[attr-defined]
