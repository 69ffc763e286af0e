"""Tapes in a folder: names, what is refused, and what Kedro-Viz shows."""

import inspect
from dataclasses import replace
from pathlib import Path

import pytest
from kedro.io.core import DatasetError
from kedro_datasets._typing import TablePreview

from qwop_wr.datasets import TapesDataset
from qwop_wr.simulator.tape import Tape, verify_tape
from qwop_wr.simulator.tape_format import MAX_BYTES


@pytest.fixture
def dataset(tmp_path: Path) -> TapesDataset:
    return TapesDataset(filepath=tmp_path / "tapes")


def test_every_tape_is_a_file_that_replays(dataset: TapesDataset, tapes: dict[str, Tape]) -> None:
    dataset.save(tapes)
    folder = Path(dataset._filepath)
    assert {path.name for path in folder.iterdir()} == {
        "native.qwop.json",
        "seed_12.qwop.json",
    }
    verify_tape(Tape.load(folder / "seed_12.qwop.json"))


def test_names_are_sorted(dataset: TapesDataset, tapes: dict[str, Tape]) -> None:
    dataset.save(tapes)
    assert list(dataset.load()) == ["native", "seed_12"]


def test_a_save_drops_earlier_tapes(dataset: TapesDataset, tapes: dict[str, Tape]) -> None:
    dataset.save(tapes)
    dataset.save({"native": tapes["native"]})
    assert list(dataset.load()) == ["native"]


def test_no_tapes_at_all(dataset: TapesDataset) -> None:
    dataset.save({})
    assert dataset.exists()
    assert dataset.load() == {}


def test_other_files_are_left_out(dataset: TapesDataset, tapes: dict[str, Tape]) -> None:
    dataset.save(tapes)
    (Path(dataset._filepath) / "notes.txt").write_text("mine")
    assert list(dataset.load()) == ["native", "seed_12"]


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a\nb", "x" * 101])
def test_names_that_are_no_file_names(
    dataset: TapesDataset, tapes: dict[str, Tape], name: str
) -> None:
    dataset.save(tapes)
    with pytest.raises(DatasetError, match="cannot name a tape; use letters"):
        dataset.save({name: tapes["native"]})
    assert dataset.load() == tapes


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "not JSON"),
        (b"\xff\xfe", "no usable folder of tapes"),
        (b"[]", "a JSON object is needed"),
        (b'{"format": "qwop-tape", "format_version": 1}', "keys: is missing"),
        (b" " * (MAX_BYTES + 10), f"longer than {MAX_BYTES} bytes"),
    ],
)
def test_bad_tape_is_named(
    dataset: TapesDataset, tapes: dict[str, Tape], content: bytes, message: str
) -> None:
    dataset.save(tapes)
    (Path(dataset._filepath) / "bad.qwop.json").write_bytes(content)
    with pytest.raises(DatasetError, match=rf"tapes/bad\.qwop\.json: .*{message}"):
        dataset.load()


def test_limit_of_tapes(dataset: TapesDataset, tapes: dict[str, Tape]) -> None:
    dataset.save(tapes)
    small = TapesDataset(filepath=dataset._filepath, load_args={"max_tapes": 1})
    with pytest.raises(DatasetError, match="it holds 2 tapes, the limit is 1"):
        small.load()


def test_preview_puts_the_best_first(dataset: TapesDataset, tapes: dict[str, Tape]) -> None:
    far = replace(tapes["native"], distance=50.0)
    slow = replace(tapes["seed_12"], finished=True)
    fast = replace(tapes["native"], finished=True)
    dataset.save({"a_near": tapes["native"], "b_far": far, "c_slow": slow, "d_fast": fast})
    preview = dataset.preview(nrows=3)
    assert [row[0] for row in preview["data"]] == ["d_fast", "c_slow", "b_far"]
    assert dict(zip(preview["columns"], preview["data"][0], strict=True)) == {
        "name": "d_fast",
        "finished": True,
        "score_time": fast.score_time,
        "distance": fast.distance,
        "ticks": 5,
        "engine": "box2d",
    }
    assert inspect.signature(dataset.preview).return_annotation is TablePreview


def test_an_optional_folder_may_be_missing(tmp_path: Path) -> None:
    folder = tmp_path / "tapes"
    assert TapesDataset(filepath=folder, load_args={"optional": True}).load() == {}
    with pytest.raises(DatasetError, match="there is no folder of tapes here"):
        TapesDataset(filepath=folder).load()
