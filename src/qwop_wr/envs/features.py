"""What each number of an observation means, and how it is scaled."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from qwop_wr.simulator.anatomy import PART_NAMES, PARTS

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

    Args:
        name: The quantity.
        unit: Unit of the quantity before scaling; a world unit is 0.1 m.
        centre: Value of the quantity that reads 0.
        scale: Change of the quantity that reads 1.
        low: Least value in the observation.
        high: Greatest value in the observation.
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
