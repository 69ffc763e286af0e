"""Tapes on disk: what comes back, what is refused; one file, or a folder of them."""

import inspect
import json
from dataclasses import replace
from pathlib import Path

import pytest
from kedro.io.core import DatasetError
from kedro_datasets._typing import TablePreview

from qwop_wr.datasets import TapeDataset, TapesDataset
from qwop_wr.simulator.tape import Tape, verify_tape
from qwop_wr.simulator.tape_format import MAX_BYTES


@pytest.fixture
def tape(tapes: dict[str, Tape]) -> Tape:
    return tapes["seed_12"]


def test_the_file_replays(tmp_path: Path, tape: Tape) -> None:
    path = tmp_path / "record.qwop.json"
    TapeDataset(filepath=path).save(tape)
    verify_tape(Tape.load(path))


def test_the_fastest_is_kept(tmp_path: Path, tape: Tape) -> None:
    dataset = TapeDataset(filepath=tmp_path / "record.qwop.json", save_args={"keep_fastest": True})
    fast = replace(tape, finished=True)
    slow = replace(fast, ticks=fast.ticks + 5, keys=((0, 5), *fast.keys))
    far = replace(tape, distance=90.0)
    for saved, expected in [(tape, tape), (far, far), (tape, far), (slow, slow), (fast, fast)]:
        dataset.save(saved)
        assert dataset.load() == expected
    for saved in (slow, far):
        dataset.save(saved)
        assert dataset.load() == fast


def test_a_damaged_file_is_named_and_not_overwritten(tmp_path: Path, tape: Tape) -> None:
    path = tmp_path / "record.qwop.json"
    path.write_text("{")
    dataset = TapeDataset(filepath=path, save_args={"keep_fastest": True})
    with pytest.raises(DatasetError, match=r"record\.qwop\.json: no usable tape: .*not JSON"):
        dataset.save(tape)
    assert path.read_text() == "{"


def test_unknown_save_args(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="unknown save_args 'indent'; known: keep_fastest"):
        TapeDataset(filepath=tmp_path / "record.qwop.json", save_args={"indent": 2})


def test_preview_shows_the_claims(tmp_path: Path, tape: Tape) -> None:
    dataset = TapeDataset(filepath=tmp_path / "record.qwop.json")
    dataset.save(tape)
    shown = json.loads(dataset.preview())
    assert shown["ticks"] == tape.ticks
    assert shown["meta"] == {"seed": 12}


@pytest.fixture
def tapes_dataset(tmp_path: Path) -> TapesDataset:
    return TapesDataset(filepath=tmp_path / "tapes")


def test_every_tape_is_a_file_that_replays(
    tapes_dataset: TapesDataset, tapes: dict[str, Tape]
) -> None:
    tapes_dataset.save(tapes)
    folder = Path(tapes_dataset._filepath)
    assert {path.name for path in folder.iterdir()} == {
        "native.qwop.json",
        "seed_12.qwop.json",
    }
    verify_tape(Tape.load(folder / "seed_12.qwop.json"))


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
    tapes_dataset: TapesDataset, tapes: dict[str, Tape], content: bytes, message: str
) -> None:
    tapes_dataset.save(tapes)
    (Path(tapes_dataset._filepath) / "bad.qwop.json").write_bytes(content)
    with pytest.raises(DatasetError, match=rf"tapes/bad\.qwop\.json: .*{message}"):
        tapes_dataset.load()


def test_preview_puts_the_best_first(tapes_dataset: TapesDataset, tapes: dict[str, Tape]) -> None:
    far = replace(tapes["native"], distance=50.0)
    slow = replace(tapes["seed_12"], finished=True)
    fast = replace(tapes["native"], finished=True)
    tapes_dataset.save({"a_near": tapes["native"], "b_far": far, "c_slow": slow, "d_fast": fast})
    preview = tapes_dataset.preview(nrows=3)
    assert [row[0] for row in preview["data"]] == ["d_fast", "c_slow", "b_far"]
    assert dict(zip(preview["columns"], preview["data"][0], strict=True)) == {
        "name": "d_fast",
        "finished": True,
        "score_time": fast.score_time,
        "distance": fast.distance,
        "ticks": 5,
        "engine": "box2d",
    }
    assert inspect.signature(tapes_dataset.preview).return_annotation is TablePreview
