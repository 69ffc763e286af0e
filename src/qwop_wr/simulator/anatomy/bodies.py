"""Every body with its box fixture, in the order of creation."""

from dataclasses import dataclass
from functools import partial
from typing import Final

Vector = tuple[float, float]


@dataclass(frozen=True)
class BodySpec:
    """A rigid box as the game creates it.

    Attributes:
        name: In snake case.
        position: Initial centre [units].
        angle: Initial angle [rad].
        half_width: Half extent along the body's own x axis [units].
        half_height: Half extent along the body's own y axis [units].
        density: Mass per area; without effect for static bodies.
        friction: Coulomb friction coefficient.
        category: Collision category bits.
        mask: Collision categories that this body touches.
        mass: 0 for static bodies.
        inertia: Rotational inertia about the centre; 0 for static bodies.
    """

    name: str
    position: Vector
    angle: float
    half_width: float
    half_height: float
    density: float
    friction: float
    category: int
    mask: int
    mass: float
    inertia: float


_static = partial(BodySpec, angle=0.0, friction=0.2, category=1, mask=65535, mass=0.0, inertia=0.0)
GROUND: Final[tuple[BodySpec, ...]] = (
    *(
        _static(
            name=f"track{number}",
            position=(32.0 * number, 10.74275),
            half_width=16.0,
            half_height=1.6,
            density=30.0,
        )
        for number in range(3)
    ),
    _static(
        name="block",
        position=(-39.996249999999996, 2.10625),
        half_width=6.275,
        half_height=7.475,
        density=1.0,
    ),
)
"""Three ground tiles and the block behind the start, all static."""

_hurdle = partial(BodySpec, angle=0.0, density=1.0, friction=0.2, category=4)
HURDLE: Final[tuple[BodySpec, ...]] = (
    _hurdle(
        name="hurdle_base",
        position=(500.0, 8.775),
        half_width=1.675,
        half_height=0.3,
        mask=65529,
        mass=2.01,
        inertia=1.9400687499999996,
    ),
    _hurdle(
        name="hurdle_top",
        position=(500.86499999999995, 5.0575),
        half_width=0.5375,
        half_height=3.65,
        mask=65531,
        mass=7.847499999999999,
        inertia=35.60517018229166,
    ),
)
"""The hurdle at 50 m; it sleeps until touched."""

_part = partial(BodySpec, density=1.0, friction=0.2, category=2, mask=65533)

PARTS: Final[tuple[BodySpec, ...]] = (
    _part(
        name="torso",
        position=(2.5111726226000157, -1.8709517533957938),
        angle=-1.2514497119301329,
        half_width=3.275,
        half_height=1.425,
        mass=18.6675,
        inertia=79.37576562499999,
    ),
    _part(
        name="head",
        position=(3.888130278719558, -5.621802929095265),
        angle=0.06448415835225099,
        half_width=1.075,
        half_height=1.325,
        mass=5.6975,
        inertia=5.528948958333332,
    ),
    _part(
        name="left_forearm",
        position=(5.830008603424893, -2.8733539631159584),
        angle=-1.2049772618421237,
        half_width=1.75,
        half_height=0.55,
        mass=3.8500000000000005,
        inertia=4.318416666666668,
    ),
    _part(
        name="left_thigh",
        position=(2.5648987628203876, 1.648090668682522),
        angle=-2.0177234426823394,
        half_width=2.525,
        half_height=1.0,
        mass=10.1,
        inertia=24.831270833333328,
    ),
    _part(
        name="left_arm",
        position=(4.417861014480877, -2.806563606410589),
        angle=0.9040095895272826,
        half_width=1.85,
        half_height=0.625,
        mass=4.625,
        inertia=5.8785677083333345,
    ),
    _part(
        name="left_calf",
        position=(3.12585731974087, 5.525511655361298),
        angle=-1.5903971528225265,
        half_width=2.5,
        half_height=0.75,
        mass=7.5,
        inertia=17.03125,
    ),
    _part(
        name="left_foot",
        position=(3.926921842806667, 8.08884032049622),
        angle=0.12027524643408766,
        half_width=1.35,
        half_height=0.675,
        density=3.0,
        friction=1.5,
        mass=10.935000000000002,
        inertia=8.303765625000002,
    ),
    _part(
        name="right_forearm",
        position=(0.4078206420797428, -1.0599953233084172),
        angle=-1.7553358283857299,
        half_width=2.225,
        half_height=0.675,
        mass=6.0075,
        inertia=10.826015625000002,
    ),
    _part(
        name="right_arm",
        position=(1.1812303663272852, -3.5000256518601014),
        angle=-0.5222217404634386,
        half_width=1.95,
        half_height=0.75,
        mass=5.85,
        inertia=8.51175,
    ),
    _part(
        name="right_calf",
        position=(-0.07253905736790486, 5.347881871063159),
        angle=-0.7588859967104447,
        half_width=2.5,
        half_height=0.75,
        mass=7.5,
        inertia=17.03125,
    ),
    _part(
        name="right_foot",
        position=(-1.1254742643908706, 7.567193169625567),
        angle=0.5897605418219602,
        half_width=1.35,
        half_height=0.725,
        density=3.0,
        friction=1.5,
        mass=11.745000000000001,
        inertia=9.192909375000001,
    ),
    _part(
        name="right_thigh",
        position=(1.6120186135678773, 2.0615320561881516),
        angle=1.4849422964528027,
        half_width=2.65,
        half_height=1.0,
        mass=10.6,
        inertia=28.34616666666666,
    ),
)
"""The runner's twelve body parts."""

DESTRUCTION_ORDER: Final = (
    "hurdle_base",
    "hurdle_top",
    "torso",
    "head",
    *(
        f"{side}_{part}"
        for side in ("left", "right")
        for part in ("arm", "forearm", "thigh", "calf", "foot")
    ),
)
"""Names of hurdle and parts in the order in which a restart removes them."""
