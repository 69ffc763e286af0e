"""The display over the scene: distance, clock and keys, the pace to beat, and words."""

from typing import Final, NamedTuple

from qwop_wr.envs.rendering.canvas import HEIGHT, WIDTH, Canvas, Colour
from qwop_wr.simulator.constants import TRACK_LENGTH, UNITS_PER_METRE
from qwop_wr.simulator.keys import O, P, Q, W

PANEL: Final[Colour] = (24, 30, 52, 190)
"""Colour of all panels behind words."""

_CHARACTER: Final = 0.56
"""Mean width of a character by the size of the letters."""


def pill_width(words: str, size: int) -> float:
    """Estimates the width of a pill [pixels] whose letters have a size [pixels]."""
    return len(words) * size * _CHARACTER + 2 * size


def draw_pill(
    canvas: Canvas, words: str, place: tuple[float, float], size: int, colour: Colour
) -> None:
    """Writes words on a panel whose left and top are given [pixels]."""
    left, top = place
    width, height = pill_width(words, size), size + 10
    canvas.rounded((left, top, left + width, top + height), height / 2, PANEL)
    canvas.text((left + width / 2, top + height / 2), words, size, colour, "mm")


GHOST: Final[Colour] = (255, 255, 255, 215)
"""Colour of the line and of its dot on the progress bar."""


class Pace(NamedTuple):
    """Position of the pace to beat.

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
    """Draws the line at the pace, if that is in the picture, between two heights [pixels]."""
    x = _place(canvas, pace)
    if not 0 <= x <= WIDTH:
        return
    y, bottom = span
    while y < bottom:
        canvas.rectangle((x - 1, y, x + 1, min(y + _DASH, bottom)), GHOST)
        y += _DASH + _GAP


def draw_ghost_label(canvas: Canvas, pace: Pace, top: float) -> None:
    """Writes whose pace it is beside the line, if that is in the picture.

    ``top`` is the upper edge of the label [pixels].
    """
    x = _place(canvas, pace)
    if not 0 <= x <= WIDTH:
        return
    width = pill_width(pace.label, _LABEL_SIZE)
    left = x + 8 if x < _FLIP * WIDTH else x - 8 - width
    draw_pill(canvas, pace.label, (left, top), _LABEL_SIZE, GHOST)


def _place(canvas: Canvas, pace: Pace) -> float:
    return canvas.to_screen((pace.metres * UNITS_PER_METRE, 0.0))[0]


_WHITE: Final = (255, 255, 255)
_SOFT: Final = (255, 255, 255, 205)
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
    """Writes the words that are given."""
    if overlay.name:
        draw_pill(canvas, overlay.name, (_MARGIN, _PILL_TOP), _PILL_SIZE, _WHITE)
    if overlay.status:
        left = WIDTH - _MARGIN - pill_width(overlay.status, _PILL_SIZE)
        draw_pill(canvas, overlay.status, (left, _PILL_TOP), _PILL_SIZE, _ACCENT)
    if overlay.hint:
        canvas.text((WIDTH / 2, HEIGHT - 10), overlay.hint, 14, _SOFT, "mm")
    if overlay.title:
        middle = _BANNER_LEFT + (WIDTH - _MARGIN - _BANNER_LEFT) / 2
        canvas.rounded((_BANNER_LEFT, 150, WIDTH - _MARGIN, 258), 20, PANEL)
        canvas.text((middle, 190), overlay.title, 34, _WHITE, "mm")
        canvas.text((middle, 230), overlay.subtitle, 17, _ACCENT, "mm")


_FAINT: Final = (255, 255, 255, 150)
_PRESSED: Final = (255, 196, 43)
_RAISED: Final = (246, 246, 248)
_KEY_EDGE: Final = (160, 164, 180)
_KEY_TEXT: Final = (36, 42, 66)
_KEYS: Final = (("Q", Q, 26.0), ("W", W, 82.0), ("O", O, 828.0), ("P", P, 884.0))
_KEY_SIZE: Final = 50.0
_KEYS_TOP: Final = 20.0


def draw_display(
    canvas: Canvas, score: float, score_time: float, speed: float, ghost: float | None = None
) -> None:
    """Draws the distance [m], the clock [s], the speed on it [m/s] and a progress bar.

    ``ghost`` is the position of the pace to beat [m], if shown.
    """
    middle = WIDTH / 2
    canvas.rounded((middle - 220, 16, middle + 220, 84), 16, PANEL)
    canvas.text((middle - 76, 43), f"{score:.1f} m", 28, _WHITE, "rm")
    canvas.text((middle, 43), f"{score_time:.2f} s", 32, _WHITE, "mm")
    canvas.text((middle + 76, 43), f"{speed:.1f} m/s", 28, _WHITE, "lm")
    left, right, y = middle - 194, middle + 194, 70.0
    reached = left + (right - left) * _share(score)
    canvas.rounded((left, y - 2, right, y + 2), 2, _FAINT)
    canvas.rounded((left, y - 2, max(reached, left + 4), y + 2), 2, _PRESSED)
    canvas.rectangle((middle - 1, y - 6, middle + 1, y + 6), _FAINT)
    if ghost is not None:
        canvas.disc((left + (right - left) * _share(ghost), y), 5, GHOST)
    canvas.disc((reached, y), 6, _PRESSED)


def draw_keys(canvas: Canvas, keys: int) -> None:
    """Draws the four keys in the upper corners, the held ones lit."""
    for name, bit, left in _KEYS:
        _draw_key(canvas, name, left, bool(keys & bit))


def _share(metres: float) -> float:
    return min(max(metres / TRACK_LENGTH, 0.0), 1.0)


def _draw_key(canvas: Canvas, name: str, left: float, pressed: bool) -> None:
    sunk = 4.0 if pressed else 0.0
    top, right = _KEYS_TOP + sunk, left + _KEY_SIZE
    canvas.rounded((left, _KEYS_TOP + 5, right, _KEYS_TOP + _KEY_SIZE + 5), 10, _KEY_EDGE)
    canvas.rounded((left, top, right, top + _KEY_SIZE), 10, _PRESSED if pressed else _RAISED)
    canvas.text((left + _KEY_SIZE / 2, top + _KEY_SIZE / 2), name, 26, _KEY_TEXT, "mm")
