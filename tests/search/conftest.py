"""A recorded run of 100 m, to begin searches shortly before its finish."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from qwop_wr.search.beam import Depth
from qwop_wr.search.lookahead import StatePool
from qwop_wr.simulator import make_simulator

FINISH_TICK = 1991


@pytest.fixture(scope="session")
def finishing_keys() -> NDArray[np.uint8]:
    """Keys per tick of a run that finishes in tick 1991."""
    path = Path(__file__).parents[1] / "envs" / "finishing_run.npz"
    with np.load(path, allow_pickle=False) as run:
        keys: NDArray[np.uint8] = run["keys"]
    return keys


@pytest.fixture
def pool() -> StatePool:
    """One state: the hard reset."""
    reset = make_simulator("exact", 1)
    pool = StatePool(make_simulator("exact", 1), 95.0, 1, np.random.default_rng(0))
    zero = np.zeros(1, np.int64)
    pool.watch(Depth(reset, np.ones(1, np.bool_), zero, zero))
    return pool
