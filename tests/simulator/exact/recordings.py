"""Runs of the original game, recorded tick by tick in browsers of every platform."""

from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qwop_wr.simulator.exact import ExactSimulator
from qwop_wr.simulator.platforms import PLATFORMS

FOLDER: Final = Path(__file__).parent / "golden"

SOFT_RESETS: Final = ("soft_reset_1", "soft_reset_2")
"""Runs that follow, in this order, on the world that the platform's longest run leaves behind."""

BEFORE_SOFT_RESETS: Final = {
    "node": "runner_hurdle_0",
    "chromium": "agent_idle_3",
    "firefox": "agent_idle_14",
    "chromium110": "agent_idle_3",
}

HARD_RESETS: Final = tuple(
    (platform, path.stem)
    for platform in PLATFORMS
    for path in sorted((FOLDER / platform).glob("*.npz"))
    if path.stem not in SOFT_RESETS
)
"""Platform and name of the runs from a hard reset."""

FIELDS: Final = ("state", "hurdle", "score_time", "score", "flags", "camera_x", "touching")


class Recording(NamedTuple):
    """One run.

    Attributes:
        keys: Keys held during each tick, shape (T,).
        fields: What was recorded after the reset and after each tick, by name, shape (T + 1, ...).
    """

    keys: NDArray[np.uint8]
    fields: dict[str, NDArray[np.generic]]


def load(platform: str, name: str) -> Recording:
    with np.load(FOLDER / platform / f"{name}.npz") as arrays:
        keys, fields = arrays["keys"], {field: arrays[field] for field in FIELDS}
    # The original's score can be -0.
    return Recording(keys, {**fields, "score": fields["score"] + 0.0})


def observed(simulator: ExactSimulator) -> dict[str, NDArray[np.generic]]:
    """What a recording holds, of all games at this moment, shape (n_games, ...)."""
    flags = (
        simulator.fallen + 2 * simulator.jumped + 4 * simulator.landed + 8 * simulator.ended
    ).astype(np.uint8)
    fields = {name: getattr(simulator, name) for name in FIELDS if name != "flags"}
    return {**fields, "flags": flags}


def same_bits(ours: NDArray[np.generic], theirs: NDArray[np.generic]) -> bool:
    """Equality to the bit, which tells -0 from 0; integers may be of another type."""
    return ours.shape == theirs.shape and ours.astype(theirs.dtype).tobytes() == theirs.tobytes()


def assert_follows(simulator: ExactSimulator, game: int, recording: Recording, tick: int) -> None:
    for name, values in observed(simulator).items():
        assert same_bits(values[game], recording.fields[name][tick]), f"{name} at tick {tick}"


def memory(simulator: ExactSimulator) -> list[bytes]:
    """All state of each game, hidden state included."""
    found = []
    for game in range(simulator.n_games):
        alone = ExactSimulator(1, simulator.platform)
        alone.copy_games(simulator, [game], [0])
        kept = alone._storage
        found.append(b"".join(part.tobytes() for part in (kept.lanes, kept.reals, kept.integers)))
    return found
