"""Kedro's own datasets write whole files once the filesystem is the project's."""

import json
import os
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pandas as pd
import pytest
from kedro_datasets.json import JSONDataset
from kedro_datasets.matplotlib import MatplotlibDataset
from kedro_datasets.pandas import CSVDataset
from kedro_datasets.text import TextDataset
from matplotlib.figure import Figure

from qwop_wr.datasets.whole_filesystem import WholeFilesystem, write_whole_files
from tests.faults.soak.disk import full_disk


@pytest.fixture(autouse=True)
def whole_files() -> None:
    write_whole_files()


def _figure(points: int) -> Figure:
    figure = Figure()
    figure.subplots().plot(np.random.default_rng(1).random(points))
    return figure


CASES = {
    "json": (JSONDataset, [1], list(range(200_000))),
    "text": (TextDataset, "one", "x" * 300_000),
    "csv": (CSVDataset, pd.DataFrame({"a": [1]}), pd.DataFrame({"a": range(100_000)})),
    "figure": (MatplotlibDataset, _figure(2), _figure(300)),
}


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("free", [0, 5000])
def test_a_full_disk_leaves_the_file_before(kind: str, free: int, tmp_path: Path) -> None:
    dataset, small, large = CASES[kind]
    path = tmp_path / "results" / f"file.{kind}"
    kept: Any = dataset(filepath=str(path))
    if kind == "figure":
        kept = dataset(filepath=str(path), save_args={"format": "png"})
    kept.save(small)
    before = path.read_bytes()
    with full_disk(free), pytest.raises(Exception, match="File too large"):
        kept.save(large)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]
    kept.save(large)
    assert path.stat().st_size > 5000


def test_an_interrupted_save_leaves_the_file_before(tmp_path: Path) -> None:
    class Interrupting(dict[str, Any]):
        def items(self) -> Any:
            yield "a", "x" * 100_000
            raise KeyboardInterrupt

    path = tmp_path / "file.json"
    dataset: Any = JSONDataset(filepath=str(path))
    dataset.save({"a": 1})
    with pytest.raises(KeyboardInterrupt):
        dataset.save(Interrupting(a=1))
    assert json.loads(path.read_text()) == {"a": 1}
    assert os.listdir(tmp_path) == ["file.json"]


def test_reading_and_appending_are_as_they_were(tmp_path: Path) -> None:
    fs = fsspec.filesystem("file", auto_mkdir=True)
    assert isinstance(fs, WholeFilesystem)
    path = f"{tmp_path}/new/file.txt"
    with fs.open(path, "w", encoding="utf-16", newline="\r\n") as file:
        file.write("Grüße\n")
        assert not Path(path).exists()
    assert Path(path).read_bytes().decode("utf-16") == "Grüße\r\n"
    with fs.open(path, "ab") as file:
        file.write("!".encode("utf-16-le"))
    with fs.open(path, "r", encoding="utf-16", newline="") as file:
        assert file.read() == "Grüße\r\n!"
