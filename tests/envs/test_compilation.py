"""Compiled code with and without a place to keep it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import qwop_wr
from tests.kernels import load_kernels, no_other_cache

__all__ = ["no_other_cache"]

pytestmark = pytest.mark.usefixtures("no_other_cache")

SOURCE = """
from qwop_wr.envs.compilation import compiled

@compiled
def doubled(number):
    return 2 * number
"""


def test_machine_code_is_kept_beside_the_module(tmp_path: Path) -> None:
    assert load_kernels(tmp_path, SOURCE).doubled(21) == 42
    assert list((tmp_path / "__pycache__").glob("*.nbc"))
    again = load_kernels(tmp_path, SOURCE).doubled
    assert again(21) == 42
    assert again.stats.cache_hits


def test_no_place_for_a_cache_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").write_text("a file where the folder should be")
    assert load_kernels(tmp_path, SOURCE).doubled(21) == 42


def test_a_cache_that_cannot_be_written_later_is_no_error(tmp_path: Path) -> None:
    doubled = load_kernels(tmp_path, SOURCE).doubled
    folder = tmp_path / "__pycache__"
    for leftover in folder.iterdir():
        leftover.unlink()
    folder.rmdir()
    folder.write_text("a file where the folder was")
    assert doubled(21) == 42


REWARD = """
import numpy as np
from qwop_wr.envs.rewards import time_rewards

metre = time_rewards(np.full(1, 20.0), np.ones(1, np.int64), np.zeros(1, np.bool_), 1.0, 0.0, 0.0)
print(metre[0])
"""


@pytest.mark.slow
def test_a_changed_constant_changes_the_rewards(tmp_path: Path) -> None:
    """Of another module: Numba's own check of the function's file does not see it."""
    package = tmp_path / "qwop_wr"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(qwop_wr.__file__).parent, package, ignore=ignored)

    def reward() -> float:
        command, variables = [sys.executable, "-c", REWARD], {"PYTHONPATH": str(tmp_path)}
        run = subprocess.run(  # noqa: S603 - our own interpreter
            command, env={**os.environ, **variables}, capture_output=True, text=True, check=True
        )
        return float(run.stdout)

    assert reward() == 2.0
    constants = package / "simulator" / "constants.py"
    text = constants.read_text(encoding="utf-8")
    constants.write_text(
        text.replace("UNITS_PER_METRE: Final = 10.0", "UNITS_PER_METRE: Final = 20.0"),
        encoding="utf-8",
    )
    assert reward() == 1.0
