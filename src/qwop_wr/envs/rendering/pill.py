"""Short words on a dark panel with round ends."""

from typing import Final

from qwop_wr.envs.rendering.canvas import Canvas, Colour

PANEL: Final[Colour] = (24, 30, 52, 190)
"""Colour of everything that words are written on."""

_CHARACTER: Final = 0.56
"""Mean width of a character by the size of the letters."""


def pill_width(words: str, size: int) -> float:
    """Estimate how wide a pill becomes.

    Args:
        words: What is written.
        size: Size of the letters [pixels].

    Returns:
        Width [pixels].
    """
    return len(words) * size * _CHARACTER + 2 * size


def draw_pill(
    canvas: Canvas, words: str, place: tuple[float, float], size: int, colour: Colour
) -> None:
    """Write words on a panel.

    Args:
        canvas: Picture to draw on.
        words: What is written.
        place: Left and top of the panel [pixels].
        size: Size of the letters [pixels].
        colour: Colour of the letters.
    """
    left, top = place
    width, height = pill_width(words, size), size + 10
    canvas.rounded((left, top, left + width, top + height), height / 2, PANEL)
    canvas.text((left + width / 2, top + height / 2), words, size, colour, "mm")
