"""What is written over the picture: distance, clock, speed, progress and the keys."""

from typing import Final

from qwop_wr.envs.rendering.canvas import WIDTH, Canvas
from qwop_wr.envs.rendering.ghost import GHOST
from qwop_wr.envs.rendering.pill import PANEL
from qwop_wr.simulator.keys import O, P, Q, W

_WHITE: Final = (255, 255, 255)
_FAINT: Final = (255, 255, 255, 150)
_PRESSED: Final = (255, 196, 43)
_RAISED: Final = (246, 246, 248)
_KEY_EDGE: Final = (160, 164, 180)
_KEY_TEXT: Final = (36, 42, 66)
_KEYS: Final = (("Q", Q, 26.0), ("W", W, 82.0), ("O", O, 828.0), ("P", P, 884.0))
_KEY_SIZE: Final = 50.0
_KEYS_TOP: Final = 20.0
_TRACK_LENGTH: Final = 100.0


def draw_display(
    canvas: Canvas, score: float, score_time: float, speed: float, ghost: float | None = None
) -> None:
    """Draw the distance, the clock, the speed and a progress bar.

    Args:
        canvas: Picture to draw on.
        score: Distance [m].
        score_time: Clock [s].
        speed: Speed on that clock [m/s].
        ghost: Where the pace to beat is [m], if shown.
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
    """Draw the four keys in the upper corners, the held ones lit.

    Args:
        canvas: Picture to draw on.
        keys: Mask of the keys held.
    """
    for name, bit, left in _KEYS:
        _draw_key(canvas, name, left, bool(keys & bit))


def _share(metres: float) -> float:
    return min(max(metres / _TRACK_LENGTH, 0.0), 1.0)


def _draw_key(canvas: Canvas, name: str, left: float, pressed: bool) -> None:
    sunk = 4.0 if pressed else 0.0
    top, right = _KEYS_TOP + sunk, left + _KEY_SIZE
    canvas.rounded((left, _KEYS_TOP + 5, right, _KEYS_TOP + _KEY_SIZE + 5), 10, _KEY_EDGE)
    canvas.rounded((left, top, right, top + _KEY_SIZE), 10, _PRESSED if pressed else _RAISED)
    canvas.text((left + _KEY_SIZE / 2, top + _KEY_SIZE / 2), name, 26, _KEY_TEXT, "mm")
