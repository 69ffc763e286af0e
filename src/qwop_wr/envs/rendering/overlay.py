"""Words over a picture: what a window's keys do, its state, and how a run ended."""

from typing import Final, NamedTuple

from qwop_wr.envs.rendering.canvas import HEIGHT, WIDTH, Canvas
from qwop_wr.envs.rendering.pill import PANEL, draw_pill, pill_width

_WHITE: Final = (255, 255, 255)
_FAINT: Final = (255, 255, 255, 205)
_ACCENT: Final = (255, 196, 43)
_MARGIN: Final = 26.0
_PILL_TOP: Final = 88.0
_PILL_SIZE: Final = 14
_BANNER_LEFT: Final = 560.0


class Overlay(NamedTuple):
    """Words over a picture; what is empty is not drawn.

    Attributes:
        name: Who runs, in the upper left.
        status: The window's state, for instance ``"paused"``, in the upper right.
        hint: What the window's keys do, at the bottom.
        title: How the run ended, in large letters on the right.
        subtitle: More about the end.
    """

    name: str = ""
    status: str = ""
    hint: str = ""
    title: str = ""
    subtitle: str = ""


NO_OVERLAY: Final = Overlay()


def draw_overlay(canvas: Canvas, overlay: Overlay) -> None:
    """Write what is given.

    Args:
        canvas: Picture to draw on.
        overlay: The words.
    """
    if overlay.name:
        draw_pill(canvas, overlay.name, (_MARGIN, _PILL_TOP), _PILL_SIZE, _WHITE)
    if overlay.status:
        left = WIDTH - _MARGIN - pill_width(overlay.status, _PILL_SIZE)
        draw_pill(canvas, overlay.status, (left, _PILL_TOP), _PILL_SIZE, _ACCENT)
    if overlay.hint:
        canvas.text((WIDTH / 2, HEIGHT - 10), overlay.hint, 14, _FAINT, "mm")
    if overlay.title:
        middle = _BANNER_LEFT + (WIDTH - _MARGIN - _BANNER_LEFT) / 2
        canvas.rounded((_BANNER_LEFT, 150, WIDTH - _MARGIN, 258), 20, PANEL)
        canvas.text((middle, 190), overlay.title, 34, _WHITE, "mm")
        canvas.text((middle, 230), overlay.subtitle, 17, _ACCENT, "mm")
