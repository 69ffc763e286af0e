"""A run that a page played, tick by tick, held against the engine value by value."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from qwop_wr import __version__
from qwop_wr.simulator import Simulator, make_simulator
from qwop_wr.simulator.anatomy import HURDLE, PART_NAMES
from qwop_wr.simulator.platforms import PLATFORMS

_FIELDS: Final = ("x", "y", "angle", "vx", "vy", "angular velocity")
_BODIES: Final = (*PART_NAMES, *(body.name for body in HURDLE))
VALUES: Final = (
    *(f"{field} of {body}" for body in _BODIES for field in _FIELDS),
    "clock",
    "distance",
    "flags",
    "camera",
    "touching contacts",
)
"""The numbers of a row. Flags: 1 fallen, 2 jumped, 4 landed, 8 ended."""

FLAGS_COLUMN: Final = VALUES.index("flags")

Rows = NDArray[np.float64]
"""The game after the hard reset and after every tick, shape (T + 1, 89)."""


def replayed(keys: NDArray[np.uint8], platform: str) -> Rows:
    """Plays keys, a mask per tick, from a hard reset on the exact engine.

    Returns:
        The rows up to the end of the game or of the keys.
    """
    game = make_simulator("exact", platform=platform)
    rows = [row_of(game)]
    for mask in keys:
        if game.ended[0]:
            break
        game.step(np.array([mask], dtype=np.uint8))
        rows.append(row_of(game))
    return np.array(rows)


def row_of(game: Simulator) -> NDArray[np.float64]:
    """Returns the row of a simulator's first game, shape (89,)."""
    flags = game.fallen[0] + 2 * game.jumped[0] + 4 * game.landed[0] + 8 * game.ended[0]
    scalars = (game.score_time[0], game.score[0], flags, game.camera_x[0], game.touching[0])
    return np.concatenate([game.state[0].ravel(), game.hurdle[0].ravel(), scalars])


_N_STATE: Final = 6 * len(PART_NAMES)
_CLOCK: Final = VALUES.index("clock")
_DISTANCE: Final = VALUES.index("distance")
_NAMES: Final = (("Firefox", "Firefox"), ("Edg", "Edge"), ("OPR", "Opera"), ("Chrome", "Chrome"))
"""Browsers by how they call themselves, the particular before the general."""


@dataclass(frozen=True, eq=False)
class PageRun:
    """A run as the page reported it.

    Attributes:
        sine: Platform whose sine the browser computes, ``"unknown"`` if none's.
        checksum: Checksum of that sine.
        shim: Platform whose sine was put into the page; None if the browser's own was left.
        user_agent: The browser's own name for itself.
        keys: Masks of the keys held in every tick, shape (T,).
        rows: The game after the hard reset and after every tick, shape (T + 1, 89).
        reason: Why it is over: ``"ended"``, or what stopped it before.
        text: Text on the page at the end.
    """

    sine: str
    checksum: str
    shim: str | None
    user_agent: str
    keys: NDArray[np.uint8]
    rows: Rows
    reason: str
    text: str

    @property
    def platform(self) -> str | None:
        """Platform on which the engine can repeat the run; None if there is none."""
        platform = self.shim or self.sine
        return platform if platform in PLATFORMS else None

    @property
    def browser(self) -> str:
        """The browser's name and version, such as ``"Chrome 153"``."""
        for token, name in _NAMES:
            if found := re.search(rf"{token}/(\d+)", self.user_agent):
                return f"{name} {found[1]}"
        return "unknown browser"

    @property
    def ticks(self) -> int:
        """Ticks played."""
        return len(self.keys)

    @property
    def has_ended(self) -> bool:
        """Whether the game came to its end."""
        return bool(int(self.rows[-1, FLAGS_COLUMN]) & 8)

    @property
    def has_landed(self) -> bool:
        """Whether the runner landed in the sand pit."""
        return bool(int(self.rows[-1, FLAGS_COLUMN]) & 4)

    @property
    def end(self) -> str:
        """How it ended, in words."""
        verb = ("landed" if self.has_landed else "fell") if self.has_ended else "stopped"
        return f"{verb} at tick {self.ticks}"


@dataclass(frozen=True)
class Comparison:
    """Agreement of a run's values with the engine's.

    Attributes:
        values: Values compared.
        differing: How many differ; 0 and -0 do not.
        first: Tick and name of the first that differs; None if none does.
    """

    values: int
    differing: int
    first: tuple[int, str] | None


def compare(run: PageRun) -> Comparison | None:
    """Replays a run's keys on the engine and compares every value of every tick.

    Returns:
        The comparison; None if the run's sine is none of the engine's.
    """
    if run.platform is None:
        return None
    engine = replayed(run.keys, run.platform)
    expected = np.full_like(run.rows, np.nan)  # what the engine does not reach differs
    expected[: len(engine)] = engine
    differs = run.rows != expected
    first = None
    if differs.any():
        tick, value = np.argwhere(differs)[0]
        first = (int(tick), VALUES[value])
    return Comparison(differs.size, int(differs.sum()), first)


def in_words(run: PageRun, comparison: Comparison | None) -> str:
    """Returns the verdict in one line."""
    parts = [run.end]
    if comparison is None:
        parts.append("not compared: this browser's sine is none of the known ones")
    else:
        parts.append(f"{comparison.differing:,} of {comparison.values:,} values differ")
    if comparison is not None and comparison.first is not None:
        tick, value = comparison.first
        parts.append(f"the first at tick {tick}: {value}")
    parts += [run.browser, f"platform {run.sine}"]
    if run.shim is not None:
        parts.append(f"altered: the sine of {run.shim} was put into the page")
    return ", ".join(parts)


def proof(
    run: PageRun,
    comparison: Comparison | None,
    played: Mapping[str, Any],
    served: Mapping[str, str],
) -> dict[str, Any]:
    """Returns the run's facts as JSON, with hashes by which it can be checked again.

    Args:
        played: Name, kind and hash of the tape or the agent.
        served: SHA-256 of every file of the game that the page was given, by path.
    """
    state = np.ascontiguousarray(run.rows[-1, :_N_STATE], dtype="<f8")
    return {
        "format": "qwop-proof",
        "format_version": 1,
        "verdict": in_words(run, comparison),
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "program": f"qwop-wr {__version__}",
        "played": dict(played),
        "browser": run.browser,
        "user_agent": run.user_agent,
        "platform": run.sine,
        "sine_checksum": run.checksum,
        "altered": run.shim is not None,
        "sine_put_in": run.shim,
        "ticks": run.ticks,
        "landed": run.has_landed,
        "fallen": bool(int(run.rows[-1, FLAGS_COLUMN]) & 1),
        "score_time": float(run.rows[-1, _CLOCK]),
        "distance": float(run.rows[-1, _DISTANCE]),
        "over": run.reason,
        "text": run.text,
        "values_compared": 0 if comparison is None else comparison.values,
        "values_differing": None if comparison is None else comparison.differing,
        "first_difference": None if comparison is None else comparison.first,
        "keys_sha256": hashlib.sha256(run.keys.tobytes()).hexdigest(),
        "rows_sha256": hashlib.sha256(run.rows.astype("<f8").tobytes()).hexdigest(),
        "state_sha256": hashlib.sha256(state.tobytes()).hexdigest(),
        "game_files_sha256": dict(sorted(served.items())),
    }
