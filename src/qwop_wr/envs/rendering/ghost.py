"""The pace to beat: a dashed line that runs along."""

from typing import Final, NamedTuple

from qwop_wr.envs.rendering.canvas import WIDTH, Canvas, Colour
from qwop_wr.envs.rendering.pill import draw_pill, pill_width
from qwop_wr.simulator.constants import UNITS_PER_METRE

GHOST: Final[Colour] = (255, 255, 255, 215)
"""Colour of the line and of its dot on the progress bar."""


class Pace(NamedTuple):
    """Where the pace to beat is.

    Attributes:
        metres: Its distance from the start [m].
        label: Whose pace it is.
    """

    metres: float
    label: str


_DASH: Final = 12
_GAP: Final = 8
_LABEL_SIZE: Final = 14
_FLIP: Final = 0.7
"""Share of the width beyond which the label stands left of the line."""


def draw_ghost(canvas: Canvas, pace: Pace, span: tuple[float, float]) -> None:
    """Draw the line where the pace is, if that is in the picture.

    Args:
        canvas: Picture to draw on.
        pace: Where it is.
        span: Top and bottom of the line [pixels].
    """
    x = _place(canvas, pace)
    if not 0 <= x <= WIDTH:
        return
    y, bottom = span
    while y < bottom:
        canvas.rectangle((x - 1, y, x + 1, min(y + _DASH, bottom)), GHOST)
        y += _DASH + _GAP


def draw_ghost_label(canvas: Canvas, pace: Pace, top: float) -> None:
    """Write whose pace it is beside the line, if that is in the picture.

    Args:
        canvas: Picture to draw on.
        pace: Where it is.
        top: Upper edge of the label [pixels].
    """
    x = _place(canvas, pace)
    if not 0 <= x <= WIDTH:
        return
    width = pill_width(pace.label, _LABEL_SIZE)
    left = x + 8 if x < _FLIP * WIDTH else x - 8 - width
    draw_pill(canvas, pace.label, (left, top), _LABEL_SIZE, GHOST)


def _place(canvas: Canvas, pace: Pace) -> float:
    return canvas.to_screen((pace.metres * UNITS_PER_METRE, 0.0))[0]
