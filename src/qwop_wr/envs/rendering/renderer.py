"""Draws one game at a time; keeps what does not change between pictures."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from qwop_wr.envs.rendering.athlete import draw_runner
from qwop_wr.envs.rendering.canvas import Canvas, View
from qwop_wr.envs.rendering.display import draw_display, draw_keys
from qwop_wr.envs.rendering.ghost import Pace, draw_ghost, draw_ghost_label
from qwop_wr.envs.rendering.overlay import NO_OVERLAY, Overlay, draw_overlay
from qwop_wr.envs.rendering.scenery import (
    TRACK_BOTTOM,
    draw_hurdle,
    draw_scenery,
    draw_shadow,
    paint_sky,
)
from qwop_wr.simulator.constants import CLOCK_STEP, TIME_STEP, UNITS_PER_METRE

SCALE: Final = 20.0
"""Pixels per world unit, the game's own."""

GROUND_PX: Final = 440.0
"""Height of the running surface in the picture [pixels from the top]."""

TORSO_PX: Final = 360.0
"""Where the camera keeps the torso [pixels from the left]."""

_GHOST_TOP: Final = 96.0


class Renderer:
    """Draws games as RGB images of 960 x 540 pixels."""

    def __init__(self) -> None:
        self._sky = paint_sky()

    def draw(
        self,
        state: NDArray[np.float64],
        hurdle: NDArray[np.float64],
        score: float,
        score_time: float,
        keys: int = 0,
        pace: Pace | None = None,
        overlay: Overlay = NO_OVERLAY,
    ) -> NDArray[np.uint8]:
        """Draw one game.

        Args:
            state: Parts' x, y, angle, vx, vy, angular velocity, shape (12, 6).
            hurdle: The same for hurdle base and top, shape (2, 6).
            score: Distance to show [m].
            score_time: Clock to show [s].
            keys: Mask of the keys to show as held.
            pace: Where the pace to beat is, if it is to run along.
            overlay: Words to write over it.

        Returns:
            The image, uint8 of shape (540, 960, 3).
        """
        torso_x, torso_vx = float(state[0, 0]), float(state[0, 3])
        canvas = Canvas(self._sky.copy(), View(torso_x - TORSO_PX / SCALE, SCALE, GROUND_PX))
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
