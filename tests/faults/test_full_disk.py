"""A full disk leaves what was there, whole, and nothing beside it."""

from pathlib import Path

import pytest

from qwop_wr.whole_files import write_whole_files
from tests.faults.soak import disk
from tests.faults.soak.disk import SAVINGS, fill_up


@pytest.fixture(autouse=True)
def whole_files() -> None:
    write_whole_files()


@pytest.mark.parametrize("kind", SAVINGS)
def test_whatever_is_saved_is_whole(kind: str, tmp_path: Path) -> None:
    refused, broken = fill_up(SAVINGS[kind], tmp_path, n_tries=8, seed=3)
    assert refused > 0
    assert broken == 0


def test_half_written_files_are_found_out(tmp_path: Path) -> None:
    class InPlace:
        def __init__(self, path: Path) -> None:
            self._path = path

        def save(self, text: str) -> None:
            self._path.write_text(text)

    saving = disk.Saving(InPlace, lambda number: f"{number}\n" * 3000)
    refused, broken = fill_up(saving, tmp_path, n_tries=8, seed=3)
    assert broken > 0
    assert refused > 0
