"""A tape."""

import numpy as np
import pytest

from qwop_wr.simulator.tape import Tape


@pytest.fixture
def tape() -> Tape:
    return Tape.record(np.zeros(3, np.uint8), engine="box2d")
