"""Modules with compiled functions that a test writes."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def no_other_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave only the folder beside the module."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null/none")


def load_kernels(folder: Path, source: str) -> Any:
    """What a new process would have: the module with nothing compiled yet."""
    path = folder / "kernels.py"
    if not path.exists():
        path.write_text(source)
    spec = importlib.util.spec_from_file_location("kernels", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
