"""The scenery: sky, hills, track, hurdle and sand pit."""

import math
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from qwop_wr.envs.rendering.canvas import HEIGHT, SMOOTHING, WIDTH, Canvas, Colour, Point, View
from qwop_wr.simulator.anatomy import HURDLE
from qwop_wr.simulator.constants import PIXELS_PER_UNIT, SAND_PIT_PX, UNITS_PER_METRE

HORIZON: Final = 392.0
"""Bottom of the hills and top of the infield [pixels]."""

TRACK_TOP: Final = 420.0
TRACK_BOTTOM: Final = 478.0

_SKY_TOP: Final = np.array((104, 178, 226))
_SKY_BOTTOM: Final = np.array((252, 236, 208))
_LANE_SKY: Final = (176, 212, 232)
_SUN: Final = (255, 250, 226, 210)


class _Hills(NamedTuple):
    """A range: speed relative to the runner, height, wavelength [pixels] and colour."""

    speed: float
    height: float
    wavelength: float
    colour: Colour


_HILLS: Final = (
    _Hills(0.10, 74.0, 330.0, (158, 190, 196)),
    _Hills(0.22, 46.0, 210.0, (120, 168, 140)),
)

_INFIELD: Final = (104, 166, 84)
_VERGE: Final = (84, 144, 70)
_TRACK: Final = (196, 92, 66)
_TRACK_EDGE: Final = (172, 76, 54)
_LINE: Final = (255, 244, 234)
_SAND: Final = (238, 208, 146)
_SAND_DARK: Final = (218, 184, 120)
_SHADOW: Final = (40, 20, 20, 34)
_LAST_METRE: Final = 110
_LABEL_SPACING: Final = 60.0
"""Least distance between written metre marks in a lane [pixels]."""

_FINISH_X: Final = SAND_PIT_PX / PIXELS_PER_UNIT
_SLANT: Final = 10.0
"""Lean of a line across the track, which suggests depth [pixels]."""


@cache
def paint_sky() -> Image.Image:
    """Paints what never moves, sky, sun and grass, at the enlarged size; draw on a copy."""
    share = np.linspace(0.0, 1.0, HEIGHT * SMOOTHING)[:, None, None]
    sky = _SKY_TOP + (_SKY_BOTTOM - _SKY_TOP) * np.clip(share * HEIGHT / HORIZON, 0.0, 1.0)
    picture = Image.fromarray(
        np.broadcast_to(sky, (HEIGHT * SMOOTHING, WIDTH * SMOOTHING, 3)).astype(np.uint8)
    )
    canvas = Canvas(picture, View(0.0, 1.0, 0.0))
    canvas.disc((770.0, 150.0), 62.0, (255, 250, 226, 90))
    canvas.disc((770.0, 150.0), 46.0, _SUN)
    return canvas.image


def draw_scenery(canvas: Canvas) -> None:
    """Draws hills, infield, track and its marks for the camera's position."""
    for hills in _HILLS:
        _draw_hills(canvas, hills, HORIZON, 1.0)
    canvas.rectangle((0, HORIZON, WIDTH, TRACK_TOP), _INFIELD)
    canvas.rectangle((0, TRACK_BOTTOM, WIDTH, HEIGHT), _VERGE)
    canvas.rectangle((0, TRACK_TOP, WIDTH, TRACK_BOTTOM), _TRACK)
    canvas.rectangle((0, TRACK_BOTTOM - 5, WIDTH, TRACK_BOTTOM), _TRACK_EDGE)
    canvas.rectangle((0, TRACK_TOP + 5, WIDTH, TRACK_TOP + 7), _LINE)
    canvas.rectangle((0, TRACK_BOTTOM - 10, WIDTH, TRACK_BOTTOM - 7), _LINE)
    first = math.floor(canvas.view.left / UNITS_PER_METRE) - 1
    for metre in range(first, math.ceil(canvas.right / UNITS_PER_METRE) + 2):
        _draw_metre(canvas, metre)
    _draw_sand_pit(canvas)


def draw_lane(canvas: Canvas, top: float, height: float) -> None:
    """Draws one lane of a race, its track and its marks; the view's ground is the lane's.

    ``top`` is the upper edge of the lane; lengths are in pixels.
    """
    bottom, ground = top + height, canvas.view.ground_px
    upper = ground - 0.09 * height
    horizon = upper - 0.07 * height
    canvas.rectangle((0, top, WIDTH, horizon), _LANE_SKY)
    for hills in _HILLS:
        _draw_hills(canvas, hills, horizon, height / HEIGHT)
    canvas.rectangle((0, horizon, WIDTH, upper), _INFIELD)
    canvas.rectangle((0, upper, WIDTH, bottom), _TRACK)
    canvas.rectangle((0, upper, WIDTH, upper + 1.5), _LINE)
    canvas.rectangle((0, bottom - 1.5, WIDTH, bottom), _LINE)
    spacing = UNITS_PER_METRE * canvas.view.scale
    step = next((step for step in (1, 2, 5) if step * spacing >= _LABEL_SPACING), 10)
    first = math.floor(canvas.view.left / UNITS_PER_METRE)
    for metre in range(max(first, 0), math.ceil(canvas.right / UNITS_PER_METRE) + 1):
        x, _ = canvas.to_screen((metre * UNITS_PER_METRE, 0.0))
        if metre * UNITS_PER_METRE < _FINISH_X:
            canvas.rectangle((x - 0.75, upper, x + 0.75, bottom), (*_LINE, 90))
            if metre % step == 0:
                canvas.text((x + 4, bottom - 3), str(metre), 11, (*_LINE, 200), "ls")
    x, _ = canvas.to_screen((_FINISH_X, 0.0))
    if x < WIDTH:
        canvas.rectangle((x, upper, WIDTH, bottom), _SAND)
        canvas.rectangle((x - 2, upper, x + 2, bottom), (250, 250, 250))


def draw_hurdle(canvas: Canvas, hurdle: NDArray[np.float64]) -> None:
    """Draws the hurdle, standing or fallen, from base's and top's motion, shape (2, 6)."""
    base, top = (_box_frame(row) for row in hurdle)
    foot, post = HURDLE
    canvas.shape(_corners(base, (-foot.half_width, -0.3, foot.half_width, 0.3)), (70, 78, 92))
    width, height = post.half_width * 0.6, post.half_height
    canvas.shape(_corners(top, (-width, -height, width, height)), (245, 245, 245))
    for upper in (-height, -height + 2.6):
        band = (-post.half_width, upper, post.half_width, upper + 1.3)
        canvas.shape(_corners(top, band), (226, 62, 52))


def draw_shadow(canvas: Canvas, state: NDArray[np.float64]) -> None:
    """Draws the runner's shadow on the track, from the parts' motion, shape (12, 6)."""
    left, _ = canvas.to_screen((float(state[:, 0].min()), 0.0))
    right, _ = canvas.to_screen((float(state[:, 0].max()), 0.0))
    ground, unit = canvas.view.ground_px, canvas.view.scale / 20.0
    for spread in (26.0 * unit, 14.0 * unit, 4.0 * unit):
        top, bottom = ground - spread / 6 - 2 * unit, ground + spread / 6 + 8 * unit
        canvas.rounded((left - spread, top, right + spread, bottom), spread / 6 + 5 * unit, _SHADOW)


def _draw_hills(canvas: Canvas, hills: _Hills, horizon: float, size: float) -> None:
    offset = canvas.view.left * canvas.view.scale * hills.speed
    crest = []
    for x in range(0, WIDTH + 8, 8):
        phase = (x + offset) / (hills.wavelength * size)
        wave = math.sin(phase) + 0.5 * math.sin(2.3 * phase + 1.0) + 0.25 * math.sin(5.1 * phase)
        crest.append((float(x), horizon - hills.height * size * (0.62 + 0.32 * wave)))
    canvas.polygon([(0.0, horizon), *crest, (float(WIDTH), horizon)], hills.colour)


def _draw_metre(canvas: Canvas, metre: int) -> None:
    if not 0 <= metre <= _LAST_METRE or metre * UNITS_PER_METRE > _FINISH_X:
        return
    x, _ = canvas.to_screen((metre * UNITS_PER_METRE, 0.0))
    if metre % 10:
        canvas.rectangle((x - 1, TRACK_BOTTOM - 10, x + 1, TRACK_BOTTOM + 6), _LINE)
        canvas.text((x, TRACK_BOTTOM + 9), str(metre), 12, (255, 255, 255, 150), "ma")
        return
    _draw_across(canvas, x, 5.0, _LINE)
    label = "START" if metre == 0 else f"{metre} m"
    canvas.text((x - _SLANT, TRACK_BOTTOM + 9), label, 22, (255, 255, 255, 235), "ma")


def _draw_across(canvas: Canvas, x: float, width: float, colour: Colour) -> None:
    top, bottom = x + _SLANT, x - _SLANT
    canvas.polygon(
        (
            (top, TRACK_TOP + 5),
            (top + width, TRACK_TOP + 5),
            (bottom + width, TRACK_BOTTOM - 7),
            (bottom, TRACK_BOTTOM - 7),
        ),
        colour,
    )


def _draw_sand_pit(canvas: Canvas) -> None:
    x, _ = canvas.to_screen((_FINISH_X, 0.0))
    if x > WIDTH + _SLANT:
        return
    edge = [(x + _SLANT, TRACK_TOP), (x - _SLANT, TRACK_BOTTOM)]
    right = float(WIDTH)
    canvas.polygon([edge[0], (right, TRACK_TOP), (right, TRACK_BOTTOM), edge[1]], _SAND)
    grains = np.random.default_rng(1)
    for _ in range(260):
        along, down = grains.random(2)
        grain = (x + 24 + along * 700, TRACK_TOP + 4 + down * (TRACK_BOTTOM - TRACK_TOP - 8))
        if grain[0] < right:
            canvas.disc(grain, 1.6, _SAND_DARK)
    _draw_across(canvas, x - 4, 8.0, (250, 250, 250))
    for step in range(8):
        if step % 2:
            low, high = step / 8, (step + 1) / 8
            canvas.polygon(_finish_square(x, low, high), (40, 44, 60))


def _finish_square(x: float, low: float, high: float) -> list[Point]:
    top, height = TRACK_TOP + 5, TRACK_BOTTOM - TRACK_TOP - 12
    lean = [x + _SLANT - 2 * _SLANT * share for share in (low, high)]
    y_low, y_high = top + height * low, top + height * high
    return [
        (lean[0] - 4, y_low),
        (lean[0] + 4, y_low),
        (lean[1] + 4, y_high),
        (lean[1] - 4, y_high),
    ]


def _box_frame(row: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, angle = row[:3].tolist()
    return x, y, angle


def _corners(
    frame: tuple[float, float, float], box: tuple[float, float, float, float]
) -> list[Point]:
    x, y, angle = frame
    cosine, sine = math.cos(angle), math.sin(angle)
    left, top, right, bottom = box
    return [
        (x + cosine * u - sine * v, y + sine * u + cosine * v)
        for u, v in ((left, top), (right, top), (right, bottom), (left, bottom))
    ]
