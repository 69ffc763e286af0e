"""One look for all figures: colours by role, and SVG that follows the reader's theme.

A figure is drawn once, in fixed colours. As PNG it shows those; as SVG every colour
becomes a CSS variable with that colour as its fallback, so that the page around the
figure decides between light and dark. The series colours are Okabe and Ito's, which
stay apart for colour-blind readers (https://jfly.uni-koeln.de/color/).
"""

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import matplotlib as mpl
from markupsafe import escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure

ROLES: Final[Mapping[str, str]] = {
    "ink": "#22262e",
    "muted": "#6a7080",
    "grid": "#dcdde2",
    "card": "#fefefe",
    "track": "#bf4b2c",
    "human": "#0072b3",
    "series-1": "#d55e01",
    "series-2": "#009e74",
    "series-3": "#cc79a8",
    "series-4": "#56b4ea",
    "series-5": "#e69f01",
}
"""Colour of each role in light; the report's style sheet has those of the dark theme."""

SERIES: Final = tuple(colour for role, colour in ROLES.items() if role.startswith("series"))

HALF_WIDTH: Final = (5.0, 3.1)
"""Size of a figure that fills half of the report's width, or a telephone's [inch]."""

FULL_WIDTH: Final = (10.8, 2.1)
"""Size of a figure that fills the report's width [inch]."""

_STYLE: Final[dict[Any, Any]] = {
    "axes.edgecolor": ROLES["muted"],
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": ROLES["muted"],
    "axes.axisbelow": True,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": "white",
    "axes.facecolor": "none",
    "font.family": ["DejaVu Sans"],
    "font.size": 10,
    "grid.color": ROLES["grid"],
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.labelcolor": ROLES["ink"],
    "lines.linewidth": 2.0,
    "lines.solid_capstyle": "round",
    "svg.fonttype": "none",
    # A stage's name may hold a dollar sign; it is a name, not a formula.
    "text.parse_math": False,
    "text.color": ROLES["ink"],
    "xtick.color": ROLES["muted"],
    "ytick.color": ROLES["muted"],
    "ytick.left": False,
}

_COLOUR_ROLES: Final = {colour: role for role, colour in ROLES.items()}
_COLOUR: Final = re.compile("|".join(_COLOUR_ROLES))
_FONT: Final = re.compile(r"'DejaVu Sans'[^;\"]*")
_GROUP_ID: Final = re.compile(r'<g id="[^"]*"')


@contextmanager
def drawing() -> Iterator[None]:
    """Apply the house style; wraps both making and saving a figure."""
    with mpl.rc_context(_STYLE):
        yield


def new_figure(size: tuple[float, float] = HALF_WIDTH) -> tuple[Figure, Axes]:
    """Make a figure with one pair of axes, outside of pyplot's global state; sizes in inches."""
    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.add_subplot()


def say_nothing_to_show(axes: Axes, message: str) -> None:
    """Write a sentence in place of missing data."""
    axes.text(
        0.5,
        0.5,
        message,
        transform=axes.transAxes,
        ha="center",
        color=ROLES["muted"],
        bbox={"facecolor": ROLES["card"], "edgecolor": "none"},
    )


def themed_svg(figure: Figure, label: str) -> str:
    """Turn a figure into an ``<svg>`` element for HTML, whose colours follow the page.

    Args:
        figure: Figure drawn in the colours of :data:`ROLES`.
        label: Alternative text for screen readers.
    """
    buffer = io.StringIO()
    with drawing(), mpl.rc_context({"svg.hashsalt": label}):
        figure.savefig(buffer, format="svg", facecolor="none", metadata={"Date": None})
    text = buffer.getvalue()
    svg = text[text.index("<svg") :]
    svg = _COLOUR.sub(lambda found: f"var(--{_COLOUR_ROLES[found[0]]}, {found[0]})", svg)
    svg = _GROUP_ID.sub("<g", _FONT.sub("system-ui, sans-serif", svg))
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(label)}" ', 1)
