"""One tape in a file: what is refused, and that a faster one stays."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from kedro.io.core import DatasetError

from qwop_wr.datasets import TapeDataset
from qwop_wr.simulator.tape import Tape, verify_tape


@pytest.fixture
def tape(tapes: dict[str, Tape]) -> Tape:
    return tapes["seed_12"]


def test_the_file_replays(tmp_path: Path, tape: Tape) -> None:
    path = tmp_path / "record.qwop.json"
    TapeDataset(filepath=path).save(tape)
    verify_tape(Tape.load(path))


def test_an_optional_tape_may_be_missing(tmp_path: Path) -> None:
    path = tmp_path / "record.qwop.json"
    assert TapeDataset(filepath=path, load_args={"optional": True}).load() is None
    with pytest.raises(DatasetError, match="there is no tape here"):
        TapeDataset(filepath=path).load()


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


def test_by_default_the_latest_is_kept(tmp_path: Path, tape: Tape) -> None:
    dataset = TapeDataset(filepath=tmp_path / "record.qwop.json")
    dataset.save(replace(tape, distance=90.0))
    dataset.save(tape)
    assert dataset.load() == tape


def test_a_damaged_file_is_named_and_not_overwritten(tmp_path: Path, tape: Tape) -> None:
    path = tmp_path / "record.qwop.json"
    path.write_text("{")
    dataset = TapeDataset(filepath=path, save_args={"keep_fastest": True})
    with pytest.raises(DatasetError, match=r"record\.qwop\.json: no usable tape: .*not JSON"):
        dataset.save(tape)
    assert path.read_text() == "{"


def test_only_tapes_are_saved(tmp_path: Path, tapes: dict[str, Tape]) -> None:
    with pytest.raises(DatasetError, match="got a dict, expected a Tape"):
        TapeDataset(filepath=tmp_path / "record.qwop.json").save(tapes)  # type: ignore[arg-type]


def test_unknown_save_args(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="unknown save_args 'indent'; known: keep_fastest"):
        TapeDataset(filepath=tmp_path / "record.qwop.json", save_args={"indent": 2})


def test_preview_shows_the_claims(tmp_path: Path, tape: Tape) -> None:
    dataset = TapeDataset(filepath=tmp_path / "record.qwop.json")
    dataset.save(tape)
    shown = json.loads(dataset.preview())
    assert shown["ticks"] == tape.ticks
    assert shown["meta"] == {"seed": 12}
