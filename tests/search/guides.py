"""Guides that are quick, and equal for one state alone and in a batch."""

import numpy as np
from numpy.typing import NDArray

from qwop_wr.envs import OBSERVATIONS, EnvironmentOptions

ENVIRONMENT = EnvironmentOptions(ticks_per_action=4)
N_OBSERVATIONS = len(OBSERVATIONS["egocentric"])
TORSO_VX = [feature.name for feature in OBSERVATIONS["egocentric"]].index("torso vx")


class LinearGuide:
    """Random linear logits; values are the torso's speed and a little noise."""

    def __init__(self, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self._logits = rng.normal(size=(N_OBSERVATIONS, 9))
        self._values = 0.1 * rng.normal(size=N_OBSERVATIONS)
        self._values[TORSO_VX] = 3.0

    def logits(self, observations: NDArray[np.float32]) -> NDArray[np.float64]:
        products = observations.astype(np.float64)[:, :, None] * self._logits
        return np.asarray(products.sum(axis=1))

    def values(self, observations: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.asarray((observations.astype(np.float64) * self._values).sum(axis=1))
