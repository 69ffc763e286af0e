"""Pictures of the runner and his keys, drawn from what the simulator says.

The body is drawn as the physics sees it: twelve boxes, here with rounded corners. No
art of the original game is used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure
from numpy.typing import NDArray

from qwop_wr.evaluation.trace import Trace
from qwop_wr.pipelines.reporting.figures_style import FULL_WIDTH, ROLES, SERIES, drawing, new_figure
from qwop_wr.simulator.anatomy import PART_INDEX, PARTS
from qwop_wr.simulator.constants import GROUND_Y
from qwop_wr.simulator.keys import O, P, Q, W

STILL_MARKS: Final = (0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
"""Distances at which the film strip shows the runner [m]."""

_KEYS: Final = (("Q", Q), ("W", W), ("O", O), ("P", P))
_VIEW: Final = (18.0, 18.5)
_BELOW_GROUND: Final = 0.6
_BACK_TO_FRONT: Final = (
    "left_arm",
    "left_forearm",
    "left_thigh",
    "left_calf",
    "left_foot",
    "head",
    "torso",
    "right_thigh",
    "right_calf",
    "right_foot",
    "right_arm",
    "right_forearm",
)
_SPECS: Final = {part.name: part for part in PARTS}


@dataclass(frozen=True)
class Still:
    """One picture of a film strip.

    Attributes:
        place: Where it was taken, for instance ``50 m``.
        clock: The game's clock then, for instance ``24.4 s``.
        picture: An ``<svg>`` element.
    """

    place: str
    clock: str
    picture: Markup


def draw_runner(state: NDArray[np.float64]) -> Markup:
    """Draw the runner on the ground.

    Args:
        state: Parts' x, y, angle and velocities, shape (12, 6).

    Returns:
        An ``<svg>`` element; style sheets colour its classes ``far``, ``near``, ``head``,
        ``torso`` and ``ground``.
    """
    width, height = _VIEW
    left, top = state[PART_INDEX["torso"], 0] - width / 2, GROUND_Y + _BELOW_GROUND - height
    shapes = [
        _part(name, state[PART_INDEX[name]] - np.array([left, top, 0, 0, 0, 0]))
        for name in _BACK_TO_FRONT
    ]
    ground = f'<path class="ground" d="M0 {GROUND_Y - top:.2f}H{width:g}"/>'
    return Markup(  # noqa: S704 - made of numbers and fixed names only
        f'<svg class="runner" viewBox="0 0 {width:g} {height:g}" aria-hidden="true">'
        f"{ground}{''.join(shapes)}</svg>"
    )


def draw_film_strip(trace: Trace, marks: Sequence[int] = STILL_MARKS) -> list[Still]:
    """Draw the runner where he passes each mark, and where the run ended.

    Args:
        trace: A replayed run.
        marks: Distances of the pictures [m].

    Returns:
        The pictures that there are, in order.
    """
    passed = [(mark, trace.first_passing(mark)) for mark in marks]
    stills = [
        Still(f"{mark} m" if mark else "start", f"{trace.clock[moment]:.1f} s", _at(trace, moment))
        for mark, moment in passed
        if moment is not None
    ]
    last = "finish" if trace.finished else f"{trace.distance[-1]:.1f} m, the end"
    return [*stills, Still(last, f"{trace.clock[-1]:.2f} s", _at(trace, -1))]


def draw_keys(trace: Trace) -> Figure:
    """Draw when each key was down.

    Args:
        trace: A replayed run.

    Returns:
        One lane per key over the clock.
    """
    with drawing():
        figure, axes = new_figure(FULL_WIDTH)
        for lane, (_, bit) in enumerate(_KEYS):
            down = np.concatenate([[0], (trace.keys & bit) > 0, [0]]).astype(np.int8)
            starts, ends = np.flatnonzero(np.diff(down) > 0), np.flatnonzero(np.diff(down) < 0)
            spans = [
                (trace.clock[start], trace.clock[end] - trace.clock[start])
                for start, end in zip(starts, ends, strict=True)
            ]
            axes.broken_barh(spans, (lane - 0.36, 0.72), facecolors=SERIES[lane])
        axes.set_yticks(range(len(_KEYS)), [name for name, _ in _KEYS])
        axes.tick_params(axis="y", labelcolor=ROLES["ink"])
        axes.set(xlabel="clock [s]", xlim=(0, trace.clock[-1]), ylim=(len(_KEYS) - 0.5, -0.5))
        axes.grid(visible=False)
        return figure


def _at(trace: Trace, moment: int) -> Markup:
    return draw_runner(trace.state[moment])


def _part(name: str, pose: NDArray[np.float64]) -> str:
    spec = _SPECS[name]
    side, _, limb = name.partition("_")
    kind = {"left": "far", "right": "near"}.get(side, name) if limb else name
    radius = min(spec.half_width, spec.half_height) * (0.9 if name != "torso" else 0.6)
    return (
        f'<rect class="{kind}" x="{-spec.half_width:g}" y="{-spec.half_height:g}"'
        f' width="{2 * spec.half_width:g}" height="{2 * spec.half_height:g}" rx="{radius:.2f}"'
        f' transform="translate({pose[0]:.2f} {pose[1]:.2f}) rotate({np.degrees(pose[2]):.1f})"/>'
    )
