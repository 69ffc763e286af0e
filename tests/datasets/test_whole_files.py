"""Files and folders appear whole or not at all."""

import os
from pathlib import Path

import fsspec
import pytest
from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from qwop_wr.datasets.whole_files import whole_file, whole_folder


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
