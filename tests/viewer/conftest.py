"""Tapes that finish and that do not."""

from pathlib import Path

import numpy as np
import pytest

from qwop_wr.simulator.tape import Tape

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def finish() -> Tape:
    """The shipped record."""
    return Tape.load(ROOT / "data/01_raw/record.qwop.json")


@pytest.fixture(scope="session")
def fall() -> Tape:
    """A short run that ends with a fall."""
    keys = np.repeat(np.array([6, 9, 4], dtype=np.uint8), [12, 10, 200])
    return Tape.record(keys)
