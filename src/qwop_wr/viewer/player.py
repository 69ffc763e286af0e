"""The player's markup, style and script, ready to be put into a page."""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from qwop_wr.evaluation.references import HUMAN_RECORD, HUMAN_SPLITS
from qwop_wr.simulator.anatomy import HURDLE, JOINTS, PART_NAMES, PARTS
from qwop_wr.simulator.constants import (
    CLOCK_STEP,
    GROUND_Y,
    PIXELS_PER_UNIT,
    SAND_PIT_PX,
    UNITS_PER_METRE,
)
from qwop_wr.viewer.film import RESOLUTION, Film

MAX_FILMS: Final = 5
"""Lanes of a race."""

_SCRIPTS: Final = ("film", "athlete", "scenery", "display", "stage", "player")
_ASSETS: Final = files("qwop_wr.viewer") / "assets"
_HURDLE_BODIES: Final = tuple(body.name for body in HURDLE)
# The page's own colours that the canvas uses beside the player's.
_PAGE_COLOURS: Final = ("--ink", "--muted", "--grid", "--human")


@dataclass(frozen=True)
class Player:
    """The parts of a player.

    Attributes:
        markup: Its element, data included; put it where the player shall be.
        style: Its style sheet. The page gives it the colours ``--paper``, ``--card``,
            ``--ink``, ``--muted``, ``--grid``, ``--track`` and ``--human``.
        script: Its script, to be put as it is at the end of the body.
        script_hash: The script's source for a content security policy.
    """

    markup: Markup
    style: Markup
    script: Markup
    script_hash: str


def render_player(films: Sequence[Film]) -> Player:
    """Makes a player; names are text wherever they appear.

    Args:
        films: The runs, the first shown first and close up; all together in a race.

    Raises:
        ValueError: If there is no film or there are more than :data:`MAX_FILMS`.
    """
    if not 1 <= len(films) <= MAX_FILMS:
        raise ValueError(f"a player shows 1 to {MAX_FILMS} films, got {len(films)}")
    style, script = _asset("player.css"), _script()
    template = Environment(
        loader=PackageLoader("qwop_wr.viewer", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template("player.html.j2")
    data = {"game": describe_game(), "runs": [film.to_json() for film in films]}
    markup = template.render(films=films, colours=_colours(style), data=_inert_json(data))
    return Player(
        markup=Markup(markup),  # noqa: S704 - the template escapes
        style=Markup(style),  # noqa: S704 - a file of this package
        script=Markup(script),  # noqa: S704 - files of this package
        script_hash=f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}",
    )


def describe_game() -> dict[str, Any]:
    """Describes the game for the script; lengths are in world units.

    Returns:
        Bodies in the films' order, joints and hands as points in a body's frame, the
        hurdle's halves, places on the track, clock and the human record's pace.
    """
    joints = {joint.name: joint for joint in JOINTS}
    widths = {part.name: part.half_width for part in PARTS}
    foot, post = ({"halfWidth": b.half_width, "halfHeight": b.half_height} for b in HURDLE)
    return {
        "bodies": [*PART_NAMES, *_HURDLE_BODIES],
        "parts": len(PART_NAMES),
        "joints": {
            name: {"body": joint.body_a, "x": joint.anchor_a[0], "y": joint.anchor_a[1]}
            for name, joint in joints.items()
        },
        "hands": {
            side: _hand(joints[f"{side}_elbow"].anchor_a[0], widths[f"{side}_forearm"])
            for side in ("left", "right")
        },
        "hurdle": {"foot": foot, "post": post},
        "groundY": GROUND_Y,
        "unitsPerMetre": UNITS_PER_METRE,
        "finishX": SAND_PIT_PX / PIXELS_PER_UNIT,
        "clockStep": CLOCK_STEP,
        "resolution": RESOLUTION,
        "pace": {
            "label": f"{HUMAN_RECORD.name} {HUMAN_RECORD.seconds:.2f} s",
            "seconds": HUMAN_RECORD.seconds,
            "splits": [[0, 0.0], *([mark, clock] for mark, clock in HUMAN_SPLITS.items())],
        },
    }


def _hand(elbow_x: float, half_width: float) -> list[float]:
    """Places the hand at the end of the forearm that is not the elbow."""
    return [(half_width - 0.3) * (-1.0 if elbow_x > 0 else 1.0), 0.0]


@lru_cache(maxsize=1)
def _script() -> str:
    parts = "\n".join(_asset(f"{name}.js") for name in _SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}}})();\n'


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


def _colours(style: str) -> list[str]:
    """Lists the custom properties that the canvas may ask for."""
    return sorted({*re.findall(r"(--[a-z0-9-]+):", style), *_PAGE_COLOURS})


def _inert_json(data: object) -> Markup:
    """Writes JSON that cannot end the element that it stands in."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - no tag can begin
