"""Draws one game at a time; keeps what does not change between pictures."""

import numpy as np
from numpy.typing import NDArray

from qwop_wr.envs.rendering.athlete import draw_runner
from qwop_wr.envs.rendering.canvas import Canvas
from qwop_wr.envs.rendering.display import draw_display
from qwop_wr.envs.rendering.scenery import draw_hurdle, draw_scenery, draw_shadow, paint_sky


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
    ) -> NDArray[np.uint8]:
        """Draw one game.

        Args:
            state: Parts' x, y, angle, vx, vy, angular velocity, shape (12, 6).
            hurdle: The same for hurdle base and top, shape (2, 6).
            score: Distance to show [m].
            score_time: Clock to show [s].
            keys: Mask of the keys to show as held.

        Returns:
            The image, uint8 of shape (540, 960, 3).
        """
        canvas = Canvas(self._sky, float(state[0, 0]))
        draw_scenery(canvas)
        draw_shadow(canvas, state)
        draw_hurdle(canvas, hurdle)
        draw_runner(canvas, state)
        draw_display(canvas, score, score_time, keys)
        return canvas.pixels()
