"""A recorded run of 100 m, to begin searches shortly before its finish."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

FINISH_TICK = 1991


@pytest.fixture(scope="session")
def finishing_keys() -> NDArray[np.uint8]:
    """Keys per tick of a run that finishes in tick 1991."""
    path = Path(__file__).parents[1] / "envs" / "finishing_run.npz"
    with np.load(path, allow_pickle=False) as run:
        keys: NDArray[np.uint8] = run["keys"]
    return keys
