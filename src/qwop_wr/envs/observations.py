"""Observations: the meaning of each number, and how all are computed from a snapshot."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qwop_wr.envs.compilation import compiled
from qwop_wr.envs.snapshots import Snapshot
from qwop_wr.simulator.anatomy import PART_NAMES, PARTS
from qwop_wr.simulator.constants import PIXELS_PER_UNIT, SAND_PIT_PX
from qwop_wr.simulator.keys import O, P

EGOCENTRIC_LIMIT: Final = 5.0
"""Egocentric numbers are clipped to plus and minus this."""

LOOK_AHEAD: Final = 100.0
"""Distances to hurdle and sand pit are clipped to plus and minus this [units]."""

HEAD_TORQUE_SCALE: Final = 200.0
"""Accumulated head torque that reads 1; running stays mostly below."""

_QUANTITIES: Final = ("x", "y", "angle", "vx", "vy", "angular velocity")
_UNITS: Final = ("units", "units", "rad", "units/s", "units/s", "rad/s")
_EGOCENTRIC_SCALES: Final = (4.0, 4.0, 1.0, 20.0, 10.0, 4.0)
_ABSOLUTE_RANGES: Final = ((-10, 1050), (-10, 10), (-6, 6), (-20, 60), (-25, 60))


@dataclass(frozen=True)
class Feature:
    """One number of an observation: ``clip((quantity - centre) / scale, low, high)``.

    The unit is that of the quantity before scaling; a world unit is 0.1 m.
    """

    name: str
    unit: str
    centre: float
    scale: float
    low: float
    high: float


def _egocentric() -> tuple[Feature, ...]:
    start = {part.name: part for part in PARTS}
    torso_x = start["torso"].position[0]
    features = []
    for name in PART_NAMES:
        x, y = start[name].position
        centres = (x - torso_x, y, start[name].angle, 0.0, 0.0, 0.0)
        for quantity, unit, centre, scale in zip(
            _QUANTITIES, _UNITS, centres, _EGOCENTRIC_SCALES, strict=True
        ):
            if (name, quantity) == ("torso", "x"):
                continue
            label = "x from torso" if quantity == "x" else quantity
            features.append(
                Feature(f"{name} {label}", unit, centre, scale, -EGOCENTRIC_LIMIT, EGOCENTRIC_LIMIT)
            )
    return (
        *features,
        Feature("left_foot on the ground", "0 or 1", 0.0, 1.0, 0.0, 1.0),
        Feature("right_foot on the ground", "0 or 1", 0.0, 1.0, 0.0, 1.0),
        Feature("hip limits set by O", "0 or 1", 0.0, 1.0, 0.0, 1.0),
        Feature("hip limits set by P", "0 or 1", 0.0, 1.0, 0.0, 1.0),
        Feature(
            "head torque",
            "units of torque",
            0.0,
            HEAD_TORQUE_SCALE,
            -EGOCENTRIC_LIMIT,
            EGOCENTRIC_LIMIT,
        ),
        Feature("hurdle ahead by", "units", 0.0, LOOK_AHEAD, -1.0, 1.0),
        Feature("sand pit ahead by", "units", 0.0, LOOK_AHEAD, -1.0, 1.0),
    )


def _absolute() -> tuple[Feature, ...]:
    return tuple(
        Feature(f"{name} {quantity}", unit, (low + high) / 2, (high - low) / 2, -1.0, 1.0)
        for name in PART_NAMES
        for quantity, unit, (low, high) in zip(_QUANTITIES, _UNITS, _ABSOLUTE_RANGES, strict=False)
    )


OBSERVATIONS: Final[Mapping[str, tuple[Feature, ...]]] = MappingProxyType(
    {"egocentric": _egocentric(), "absolute": _absolute()}
)
"""The numbers of each kind of observation, in order.

``egocentric`` follows the torso, starts at about 0 and includes the state that
a picture of the runner hides. ``absolute`` is the 60 numbers that circulate
since qwop-gym; its x spans the whole track, so that the limbs' geometry drowns.
"""


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
    """Returns unscaled quantities in the order of ``OBSERVATIONS``, shape (n, 78).

    The arguments are those of ``Snapshot``.
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
    """Returns the parts' x, y, angle, vx and vy, unscaled, shape (n, 60)."""
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
    """Centres, scales and clips every quantity; see :class:`Feature`."""
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
    """Turns snapshots of games into observations of one kind, a key of ``OBSERVATIONS``.

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
        """Returns the observations of all games, a fresh array of shape (n, d)."""
        return self.scale(self._collect(games))

    def scale(self, quantities: Quantities) -> Observations:
        """Centres, scales and clips quantities that come from elsewhere.

        They are in the units and the order of the features; the result is a fresh array.
        """
        return scaled(quantities, self._centres, self._scales, self.lows, self.highs)
