"""From a snapshot of the games to what the agent sees, in compiled code."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qwop_wr.envs.compilation import compiled
from qwop_wr.envs.features import OBSERVATIONS
from qwop_wr.envs.snapshots import Snapshot
from qwop_wr.simulator.constants import PIXELS_PER_UNIT, SAND_PIT_PX
from qwop_wr.simulator.keys import O, P

Observations = NDArray[np.float32]
"""One row per game, shape (n, d)."""

Quantities = NDArray[np.float64]
"""The same before scaling, in the units of ``OBSERVATIONS``."""

_SAND_PIT_X: Final = SAND_PIT_PX / PIXELS_PER_UNIT
_N_ABSOLUTE_FIELDS: Final = 5
_N_EXTRAS: Final = 7


@compiled
def egocentric_quantities(
    state: NDArray[np.float64],  # (n, 12, 6)
    hurdle: NDArray[np.float64],  # (n, 2, 6)
    head_torque: NDArray[np.float64],  # (n,)
    calf_key: NDArray[np.uint8],  # (n,)
    foot_contacts: NDArray[np.bool_],  # (n, 2)
) -> Quantities:
    """Collect the egocentric quantities of every game.

    Args:
        state: Parts' x, y, angle, vx, vy, angular velocity, shape (n, 12, 6).
        hurdle: The same for hurdle base and top, shape (n, 2, 6).
        head_torque: Torque accumulated on the head, shape (n,).
        calf_key: Calf key that last set the hip limits: 0, O or P, shape (n,).
        foot_contacts: Whether left and right foot touch the ground, shape (n, 2).

    Returns:
        Unscaled quantities in the order of ``OBSERVATIONS``, shape (n, 78).
    """
    n_games, n_parts, n_fields = state.shape
    quantities = np.empty((n_games, n_parts * n_fields - 1 + _N_EXTRAS))
    for game in range(n_games):
        row = quantities[game]
        torso_x = state[game, 0, 0]
        i = 0
        for part in range(n_parts):
            if part > 0:
                row[i] = state[game, part, 0] - torso_x
                i += 1
            for field in range(1, n_fields):
                row[i] = state[game, part, field]
                i += 1
        row[i] = foot_contacts[game, 0]
        row[i + 1] = foot_contacts[game, 1]
        row[i + 2] = calf_key[game] == O
        row[i + 3] = calf_key[game] == P
        row[i + 4] = head_torque[game]
        row[i + 5] = hurdle[game, 1, 0] - torso_x
        row[i + 6] = _SAND_PIT_X - torso_x
    return quantities


@compiled
def absolute_quantities(state: NDArray[np.float64]) -> Quantities:
    """Collect the circulating 60 quantities of every game.

    Args:
        state: Parts' x, y, angle, vx, vy, angular velocity, shape (n, 12, 6).

    Returns:
        The parts' x, y, angle, vx and vy, unscaled, shape (n, 60).
    """
    n_games, n_parts = state.shape[:2]
    n_fields = _N_ABSOLUTE_FIELDS
    quantities = np.empty((n_games, n_parts * n_fields))
    for game in range(n_games):
        for part in range(n_parts):
            for field in range(n_fields):
                quantities[game, part * n_fields + field] = state[game, part, field]
    return quantities


@compiled
def scaled(
    quantities: Quantities,  # (n, d)
    centres: NDArray[np.float64],  # (d,)
    scales: NDArray[np.float64],  # (d,)
    lows: NDArray[np.float64],  # (d,)
    highs: NDArray[np.float64],  # (d,)
) -> Observations:
    """Centre, scale and clip every quantity.

    Args:
        quantities: What was measured, shape (n, d).
        centres: Value of each that reads 0, shape (d,).
        scales: Change of each that reads 1, shape (d,).
        lows: Least value of each in the result, shape (d,).
        highs: Greatest value of each in the result, shape (d,).

    Returns:
        The observations, shape (n, d).
    """
    n_games, n_quantities = quantities.shape
    observations = np.empty((n_games, n_quantities), dtype=np.float32)
    for game in range(n_games):
        for i in range(n_quantities):
            value = (quantities[game, i] - centres[i]) / scales[i]
            observations[game, i] = min(max(value, lows[i]), highs[i])
    return observations


def _collect_egocentric(games: Snapshot) -> Quantities:
    return egocentric_quantities(
        games.state, games.hurdle, games.head_torque, games.calf_key, games.foot_contacts
    )


def _collect_absolute(games: Snapshot) -> Quantities:
    return absolute_quantities(games.state)


_COLLECTORS: Final[Mapping[str, Callable[[Snapshot], Quantities]]] = MappingProxyType(
    {"egocentric": _collect_egocentric, "absolute": _collect_absolute}
)


class Observer:
    """Turns snapshots of games into observations of one kind.

    Args:
        observation: A key of ``OBSERVATIONS``.

    Raises:
        ValueError: If there is no such kind.
    """

    def __init__(self, observation: str) -> None:
        if observation not in OBSERVATIONS:
            known = " or ".join(repr(name) for name in OBSERVATIONS)
            raise ValueError(f"observation must be {known}, got {observation!r}")
        self.features = OBSERVATIONS[observation]
        self._collect = _COLLECTORS[observation]
        self._centres = np.array([feature.centre for feature in self.features])
        self._scales = np.array([feature.scale for feature in self.features])
        self.lows = np.array([feature.low for feature in self.features])
        self.highs = np.array([feature.high for feature in self.features])

    def observe(self, games: Snapshot) -> Observations:
        """Observe every game of a snapshot.

        Args:
            games: Snapshot of n games.

        Returns:
            A fresh array, shape (n, d).
        """
        return self.scale(self._collect(games))

    def scale(self, quantities: Quantities) -> Observations:
        """Centre, scale and clip quantities that come from elsewhere.

        Args:
            quantities: In the units and the order of the features, shape (n, d).

        Returns:
            A fresh array, shape (n, d).
        """
        return scaled(quantities, self._centres, self._scales, self.lows, self.highs)
