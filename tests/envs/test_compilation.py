"""Compiled code with and without a place to keep it."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SOURCE = """
from qwop_wr.envs.compilation import compiled

@compiled
def doubled(number):
    return 2 * number
"""


@pytest.fixture(autouse=True)
def _no_other_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave only the folder beside the module."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null/none")


def _module(folder: Path) -> ModuleType:
    path = folder / "kernels.py"
    path.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location("kernels", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_machine_code_is_kept_beside_the_module(tmp_path: Path) -> None:
    assert _module(tmp_path).doubled(21) == 42
    assert list((tmp_path / "__pycache__").glob("*.nbc"))
    again = _module(tmp_path).doubled
    assert again(21) == 42
    assert again.stats.cache_hits


def test_no_place_for_a_cache_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").write_text("a file where the folder should be")
    assert _module(tmp_path).doubled(21) == 42


def test_a_cache_that_cannot_be_written_later_is_no_error(tmp_path: Path) -> None:
    doubled = _module(tmp_path).doubled
    folder = tmp_path / "__pycache__"
    for leftover in folder.iterdir():
        leftover.unlink()
    folder.rmdir()
    folder.write_text("a file where the folder was")
    assert doubled(21) == 42


def test_a_broken_cache_file_is_no_error(tmp_path: Path) -> None:
    assert _module(tmp_path).doubled(21) == 42
    for index in (tmp_path / "__pycache__").glob("*.nbi"):
        index.write_bytes(index.read_bytes()[:40])
    assert _module(tmp_path).doubled(21) == 42
