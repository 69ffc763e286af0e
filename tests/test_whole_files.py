"""Files and folders appear whole or not at all, those of Kedro's own datasets, too."""

import json
import os
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pandas as pd
import pytest
from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem
from kedro_datasets.json import JSONDataset
from kedro_datasets.matplotlib import MatplotlibDataset
from kedro_datasets.pandas import CSVDataset
from kedro_datasets.text import TextDataset
from matplotlib.figure import Figure

from qwop_wr.whole_files import WholeFilesystem, whole_file, whole_folder, write_whole_files
from tests.faults.soak.disk import full_disk


@pytest.fixture(params=["file", "memory"])
def fs(request: pytest.FixtureRequest) -> AbstractFileSystem:
    return fsspec.filesystem(request.param)


@pytest.fixture
def folder(fs: AbstractFileSystem, tmp_path: Path) -> str:
    return f"{tmp_path}/data"


def names(fs: AbstractFileSystem, folder: str) -> set[str]:
    paths = fs.ls(folder, detail=False) if fs.exists(folder) else []
    return {path.rstrip("/").rsplit("/", 1)[-1] for path in paths}


def write(fs: AbstractFileSystem, path: str, content: bytes) -> None:
    with whole_file(fs, path) as file:
        file.write(content)


def fill(fs: AbstractFileSystem, path: str, contents: dict[str, bytes]) -> None:
    with whole_folder(fs, path) as part:
        for name, content in contents.items():
            fs.pipe_file(f"{part}/{name}", content)


class Trouble(BaseException):
    """Stands for whatever can stop a program, Ctrl-C included."""


def fail_after(_: object) -> None:
    raise Trouble


class TestWholeFile:
    def test_writes_and_replaces(self, fs: AbstractFileSystem, folder: str) -> None:
        write(fs, f"{folder}/a/file", b"one")
        write(fs, f"{folder}/a/file", b"two")
        assert fs.cat_file(f"{folder}/a/file") == b"two"
        assert names(fs, f"{folder}/a") == {"file"}

    def test_is_not_there_before_the_end(self, fs: AbstractFileSystem, folder: str) -> None:
        with whole_file(fs, f"{folder}/file") as file:
            file.write(b"half")
            assert not fs.exists(f"{folder}/file")

    def test_failure_leaves_the_old_file_alone(self, fs: AbstractFileSystem, folder: str) -> None:
        write(fs, f"{folder}/file", b"old")
        with pytest.raises(Trouble), whole_file(fs, f"{folder}/file") as file:
            fail_after(file.write(b"half of the new"))
        assert fs.cat_file(f"{folder}/file") == b"old"
        assert names(fs, folder) == {"file"}

    def test_failure_leaves_no_new_folder(self, fs: AbstractFileSystem, folder: str) -> None:
        fs.makedirs(folder)
        with pytest.raises(Trouble), whole_file(fs, f"{folder}/version/file"):
            raise Trouble
        assert names(fs, folder) == set()


class TestWholeFolder:
    def test_holds_what_was_put_in_and_no_more(self, fs: AbstractFileSystem, folder: str) -> None:
        fill(fs, f"{folder}/tapes", {"a": b"1", "b": b"2"})
        fill(fs, f"{folder}/tapes", {"b": b"3"})
        assert names(fs, f"{folder}/tapes") == {"b"}
        assert fs.cat_file(f"{folder}/tapes/b") == b"3"
        assert names(fs, folder) == {"tapes"}

    def test_failure_leaves_the_old_folder_alone(self, fs: AbstractFileSystem, folder: str) -> None:
        fill(fs, f"{folder}/tapes", {"a": b"1"})
        with pytest.raises(Trouble), whole_folder(fs, f"{folder}/tapes") as part:
            fail_after(fs.pipe_file(f"{part}/b", b"2"))
        assert names(fs, f"{folder}/tapes") == {"a"}
        assert names(fs, folder) == {"tapes"}

    def test_failed_exchange_puts_the_old_folder_back(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fs = LocalFileSystem()
        fill(fs, f"{tmp_path}/tapes", {"a": b"1"})
        real = os.replace

        def refuse_new(source: str, target: str) -> None:
            if source.endswith(".part"):
                raise OSError("no")
            real(source, target)

        monkeypatch.setattr(os, "replace", refuse_new)
        with pytest.raises(OSError, match="no"):
            fill(fs, f"{tmp_path}/tapes", {"b": b"2"})
        assert names(fs, f"{tmp_path}/tapes") == {"a"}
        assert names(fs, str(tmp_path)) == {"tapes"}


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
