"""A window that nobody sees, and runs that are quick."""

import numpy as np
import pytest

from qwop_wr.simulator.keys import O, P, Q, W
from qwop_wr.simulator.tape import Tape

KEYS = np.repeat(np.array([W | O, 0, Q | P, W], dtype=np.uint8), [10, 3, 15, 7])


@pytest.fixture(autouse=True)
def unseen_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")


@pytest.fixture(scope="session")
def tape() -> Tape:
    """A run that has not ended after 35 ticks."""
    return Tape.record(KEYS, engine="box2d")


@pytest.fixture(scope="session")
def fall() -> Tape:
    """A run that ends with a fall."""
    return Tape.record(np.full(200, O, dtype=np.uint8), engine="box2d")
