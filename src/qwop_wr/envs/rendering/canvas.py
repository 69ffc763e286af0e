"""A picture with world coordinates, drawn large and reduced to smooth its edges."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from qwop_wr.simulator.constants import GROUND_Y

WIDTH: Final = 960
"""Width of every picture [pixels]."""

HEIGHT: Final = 540
"""Height of every picture [pixels]."""

SMOOTHING: Final = 2
"""Factor by which the picture is drawn larger than it is returned."""

Colour = tuple[int, int, int] | tuple[int, int, int, int]
Point = tuple[float, float]


@dataclass(frozen=True)
class View:
    """The part of the world that a picture shows, and its place in it.

    Attributes:
        left: World position of the left edge [units].
        scale: Pixels per world unit.
        ground_px: Height of the running surface [pixels from the top].
    """

    left: float
    scale: float
    ground_px: float


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size * SMOOTHING)


class Canvas:
    """A picture being drawn, with methods in screen pixels and in world units.

    The image has the enlarged size; it is drawn on.
    """

    def __init__(self, image: Image.Image, view: View) -> None:
        self.image = image
        self.view = view
        self._draw = ImageDraw.Draw(self.image, "RGBA")

    @property
    def right(self) -> float:
        """World position of the right edge [units]."""
        return self.view.left + WIDTH / self.view.scale

    def to_screen(self, point: Point) -> Point:
        """Converts world units to screen pixels."""
        view = self.view
        x, y = (point[0] - view.left) * view.scale, (point[1] - GROUND_Y) * view.scale
        return x, y + view.ground_px

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """Fills a polygon given in screen pixels."""
        self._draw.polygon([(x * SMOOTHING, y * SMOOTHING) for x, y in points], fill=colour)

    def rectangle(self, box: tuple[float, float, float, float], colour: Colour) -> None:
        """Fills a rectangle given by left, top, right and bottom in screen pixels."""
        left, top, right, bottom = (edge * SMOOTHING for edge in box)
        self._draw.rectangle((left, top, right - 1, bottom - 1), fill=colour)

    def rounded(
        self, box: tuple[float, float, float, float], radius: float, colour: Colour
    ) -> None:
        """Fills a rectangle with round corners given in screen pixels."""
        left, top, right, bottom = (edge * SMOOTHING for edge in box)
        corners = (left, top, right - 1, bottom - 1)
        self._draw.rounded_rectangle(corners, radius * SMOOTHING, fill=colour)

    def disc(self, centre: Point, radius: float, colour: Colour) -> None:
        """Fills a circle given in screen pixels."""
        x, y, r = centre[0] * SMOOTHING, centre[1] * SMOOTHING, radius * SMOOTHING
        self._draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)

    def text(self, place: Point, words: str, size: int, colour: Colour, anchor: str = "la") -> None:
        """Writes at a place given in screen pixels; anchors are Pillow's."""
        x, y = place
        self._draw.text(
            (x * SMOOTHING, y * SMOOTHING), words, fill=colour, font=_font(size), anchor=anchor
        )

    def shape(self, points: Sequence[Point], colour: Colour) -> None:
        """Fills a polygon given in world units."""
        self.polygon([self.to_screen(point) for point in points], colour)

    def ball(self, centre: Point, radius: float, colour: Colour) -> None:
        """Fills a circle given in world units."""
        self.disc(self.to_screen(centre), radius * self.view.scale, colour)

    def limb(self, start: Point, end: Point, radii: Point, colour: Colour) -> None:
        """Fills a tapering limb with round ends, in world units."""
        (x1, y1), (x2, y2) = start, end
        length = math.hypot(x2 - x1, y2 - y1) or 1.0
        normal_x, normal_y = (y1 - y2) / length, (x2 - x1) / length
        r1, r2 = radii
        self.shape(
            (
                (x1 + normal_x * r1, y1 + normal_y * r1),
                (x2 + normal_x * r2, y2 + normal_y * r2),
                (x2 - normal_x * r2, y2 - normal_y * r2),
                (x1 - normal_x * r1, y1 - normal_y * r1),
            ),
            colour,
        )
        self.ball(start, r1, colour)
        self.ball(end, r2, colour)

    def pixels(self) -> NDArray[np.uint8]:
        """Returns the finished picture, uint8 of shape (540, 960, 3)."""
        return np.asarray(self.image.reduce(SMOOTHING)).copy()
