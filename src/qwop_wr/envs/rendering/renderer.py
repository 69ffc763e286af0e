"""Pictures of one game, or of a race in lanes."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qwop_wr.envs.rendering.athlete import SHIRT, draw_runner
from qwop_wr.envs.rendering.canvas import HEIGHT, WIDTH, Canvas, Colour, View
from qwop_wr.envs.rendering.display import (
    GHOST,
    NO_OVERLAY,
    PANEL,
    Overlay,
    Pace,
    draw_display,
    draw_ghost,
    draw_ghost_label,
    draw_keys,
    draw_overlay,
    draw_pill,
    pill_width,
)
from qwop_wr.envs.rendering.scenery import (
    TRACK_BOTTOM,
    draw_hurdle,
    draw_lane,
    draw_scenery,
    draw_shadow,
    paint_sky,
)
from qwop_wr.simulator.constants import CLOCK_STEP, TIME_STEP, UNITS_PER_METRE
from qwop_wr.simulator.keys import O, P, Q, W

SCALE: Final = 20.0
"""Pixels per world unit, the game's own."""

GROUND_PX: Final = 440.0
"""Height of the running surface in the picture [pixels from the top]."""

TORSO_PX: Final = 360.0
"""Position of the torso in the picture [pixels from the left]."""

_GHOST_TOP: Final = 96.0


def draw_game(
    state: NDArray[np.float64],
    hurdle: NDArray[np.float64],
    score: float,
    score_time: float,
    keys: int = 0,
    pace: Pace | None = None,
    overlay: Overlay = NO_OVERLAY,
) -> NDArray[np.uint8]:
    """Draws one game as an RGB image of 960 x 540 pixels.

    Args:
        state: Parts' x, y, angle, vx, vy, angular velocity, shape (12, 6).
        hurdle: The same for hurdle base and top, shape (2, 6).
        score: Distance to show [m].
        score_time: Clock to show [s].
        keys: Mask of the keys to show as held.
        pace: The pace to beat, if it runs along.
        overlay: Words to write over it.

    Returns:
        The image, uint8 of shape (540, 960, 3).
    """
    torso_x, torso_vx = float(state[0, 0]), float(state[0, 3])
    canvas = Canvas(paint_sky().copy(), View(torso_x - TORSO_PX / SCALE, SCALE, GROUND_PX))
    draw_scenery(canvas)
    draw_shadow(canvas, state)
    draw_hurdle(canvas, hurdle)
    if pace is not None:
        draw_ghost(canvas, pace, (_GHOST_TOP, TRACK_BOTTOM))
        draw_ghost_label(canvas, pace, _GHOST_TOP)
    draw_runner(canvas, state)
    speed = torso_vx / UNITS_PER_METRE * TIME_STEP / CLOCK_STEP
    draw_display(canvas, score, score_time, speed, None if pace is None else pace.metres)
    draw_keys(canvas, keys)
    draw_overlay(canvas, overlay)
    return canvas.pixels()


MAX_LANES: Final = 5

_SHIRTS: Final[tuple[Colour, ...]] = (
    SHIRT,
    (52, 120, 208),
    (248, 184, 44),
    (126, 84, 180),
    (38, 158, 116),
)
_TOP: Final = 84.0
_BOTTOM: Final = 520.0
_TALLEST: Final = 218.0
"""Greatest height of a lane [pixels]."""

_RUNNER_SHARE: Final = 0.74
"""Share of a lane's height for :data:`_RUNNER_UNITS`."""

_RUNNER_UNITS: Final = 17.5
_GROUND_SHARE: Final = 0.86
_LEADER_SHARE: Final = 0.7
"""Position of the leader in the picture, as a share of the width."""

_WHITE: Final = (255, 255, 255)
_FAINT: Final = (255, 255, 255, 150)
_TAG_SIZE: Final = 13
_INK: Final = (36, 42, 66)
_ACCENT: Final = (255, 196, 43)
_VERGE: Final = (24, 30, 52)
_KEYS: Final = (("Q", Q), ("W", W), ("O", O), ("P", P))


class Lane(NamedTuple):
    """A runner at a moment of a race.

    Attributes:
        state: Parts' x, y, angle, vx, vy, angular velocity, shape (12, 6).
        hurdle: The same for hurdle base and top, shape (2, 6).
        score: Displayed distance [m].
        keys: Mask of the keys held.
        result: Words for how its run ended; empty before that.
    """

    name: str
    state: NDArray[np.float64]
    hurdle: NDArray[np.float64]
    score: float
    keys: int
    result: str = ""

    @property
    def torso_x(self) -> float:
        """Horizontal position of the torso [units]."""
        return float(self.state[0, 0])


def draw_race(
    lanes: Sequence[Lane],
    clock: float,
    pace: Pace | None = None,
    overlay: Overlay = NO_OVERLAY,
) -> NDArray[np.uint8]:
    """Draws a moment of a race as an RGB image of 960 x 540 pixels.

    Args:
        lanes: The runners from top to bottom, 1 to :data:`MAX_LANES`.
        clock: The race's clock [s].
        pace: The pace to beat, if it runs along.
        overlay: Words to write over it.

    Returns:
        The image, uint8 of shape (540, 960, 3).

    Raises:
        ValueError: If there are no or too many runners.
    """
    if not 1 <= len(lanes) <= MAX_LANES:
        raise ValueError(f"a race has 1 to {MAX_LANES} lanes, got {len(lanes)}")
    height = min((_BOTTOM - _TOP) / len(lanes), _TALLEST)
    scale = height * _RUNNER_SHARE / _RUNNER_UNITS
    leader = max(lane.torso_x for lane in lanes)
    left = leader - _LEADER_SHARE * WIDTH / scale
    tops = [_TOP + number * height for number in range(len(lanes))]
    canvas = Canvas(paint_sky().copy(), View(left, scale, 0.0))
    for top, lane, shirt in zip(tops, lanes, _SHIRTS, strict=False):
        canvas.view = View(left, scale, top + _GROUND_SHARE * height)
        draw_lane(canvas, top, height)
        _draw_competitor(canvas, lane, shirt)
    if pace is not None:
        draw_ghost(canvas, pace, (_TOP + 2, tops[-1] + height - 2))
    for top, lane, shirt in zip(tops, lanes, _SHIRTS, strict=False):
        _draw_tag(canvas, lane, shirt, top, leader)
    canvas.rectangle((0, tops[-1] + height, WIDTH, HEIGHT), _VERGE)
    _draw_clock(canvas, lanes, clock, pace)
    canvas.text((WIDTH - 40, 33), overlay.status, 14, _ACCENT, "rm")
    draw_overlay(canvas, overlay._replace(status=""))
    return canvas.pixels()


def _draw_competitor(canvas: Canvas, lane: Lane, shirt: Colour) -> None:
    draw_hurdle(canvas, lane.hurdle)
    if lane.torso_x > canvas.view.left - 5:
        draw_shadow(canvas, lane.state)
        draw_runner(canvas, lane.state, shirt)
        return
    y = canvas.view.ground_px - 5 * canvas.view.scale
    canvas.polygon(((10, y), (24, y - 8), (24, y + 8)), shirt)
    behind = (canvas.view.left - lane.torso_x) / UNITS_PER_METRE
    canvas.text((30, y), f"{behind:.0f} m out of sight", 13, _INK, "lm")


def _draw_tag(canvas: Canvas, lane: Lane, shirt: Colour, top: float, leader: float) -> None:
    words = lane.result or f"{lane.score:.1f} m"
    behind = (leader - lane.torso_x) / UNITS_PER_METRE
    if not lane.result and behind >= 0.05:
        words += f"  -{behind:.1f}"
    width = 26 + pill_width(lane.name, _TAG_SIZE) - _TAG_SIZE
    canvas.rounded((12, top + 6, 12 + width, top + 28), 11, PANEL)
    canvas.disc((25, top + 17), 6, shirt)
    canvas.text((38, top + 17), lane.name, _TAG_SIZE, _WHITE, "lm")
    for number, (key, bit) in enumerate(_KEYS):
        held = bool(lane.keys & bit) and not lane.result
        left = 20 + width + 21 * number
        colour: Colour = _ACCENT if held else (*_WHITE, 90)
        canvas.rounded((left, top + 8, left + 18, top + 26), 4, colour)
        canvas.text((left + 9, top + 17), key, 11, _INK, "mm")
    place = (WIDTH - 12 - pill_width(words, _TAG_SIZE), top + 6)
    draw_pill(canvas, words, place, _TAG_SIZE, _ACCENT if lane.result else _WHITE)


def _draw_clock(canvas: Canvas, lanes: Sequence[Lane], clock: float, pace: Pace | None) -> None:
    canvas.rounded((12, 10, WIDTH - 12, 76), 16, PANEL)
    canvas.text((WIDTH / 2, 33), f"{clock:.2f} s", 30, _WHITE, "mm")
    left, right, y = 40.0, WIDTH - 40.0, 62.0

    def place(metres: float) -> float:
        return left + (right - left) * min(max(metres / 100, 0.0), 1.0)

    canvas.rounded((left, y - 2, right, y + 2), 2, _FAINT)
    for mark in range(0, 101, 10):
        x = place(mark)
        tall = 6 if mark % 50 == 0 else 4
        canvas.rectangle((x - 1, y - tall, x + 1, y + tall), _FAINT)
    if pace is not None:
        canvas.disc((place(pace.metres), y), 5, GHOST)
        canvas.disc((left + 5, 33), 5, GHOST)
        canvas.text((left + 18, 33), pace.label, 14, GHOST, "lm")
    for lane, shirt in sorted(zip(lanes, _SHIRTS, strict=False), key=lambda pair: pair[0].torso_x):
        x = place(lane.score)
        canvas.disc((x, y), 7.5, _WHITE)
        canvas.disc((x, y), 6, shirt)
