"""Films: replayed runs as small numbers that a browser can draw from."""

import base64
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from qwop_wr.evaluation.trajectory import Trajectory, tape_trajectory
from qwop_wr.simulator.constants import CLOCK_STEP
from qwop_wr.simulator.tape import Tape

RESOLUTION: Final = 1024
"""Steps into which a world unit and a radian are divided; a step is 0.02 pixels."""

MAX_TICKS: Final = 6000
"""Longer runs are cut: five of these fill 3.5 MB of a page."""

_MAX_CHANGE: Final = np.iinfo(np.int16).max


@dataclass(frozen=True)
class Film:
    """A run that can be shown, with a label and further details for the reader."""

    label: str
    detail: str
    trajectory: Trajectory

    def to_json(self) -> dict[str, Any]:
        """Encodes the run for the page's script.

        Returns:
            ``label``, ``detail``, ``ticks`` and ``finished``; ``start``, the x, y and angle
            of the twelve parts and the hurdle's two at the reset, in steps of
            1 / :data:`RESOLUTION`; in base64, little-endian, ``changes`` of these from tick
            to tick (int16), ``keys`` of every tick (uint8) and the displayed distance
            after the reset and every tick in ``tenths`` of a metre (int16).
        """
        bodies = np.concatenate([self.trajectory.state, self.trajectory.hurdle], axis=1)[:, :, :3]
        steps = np.rint(bodies * RESOLUTION).astype(np.int64).reshape(len(bodies), -1)
        changes = np.clip(np.diff(steps, axis=0), -_MAX_CHANGE, _MAX_CHANGE)
        return {
            "label": self.label,
            "detail": self.detail,
            "ticks": len(self.trajectory.keys),
            "finished": self.trajectory.finished,
            "start": steps[0].tolist(),
            "changes": _encoded(changes, "<i2"),
            "keys": _encoded(self.trajectory.keys, "u1"),
            "tenths": _encoded(np.rint(self.trajectory.distance * 10), "<i2"),
        }


def shoot_film(tape: Tape, label: str, detail: str = "") -> Film:
    """Replays the first :data:`MAX_TICKS` ticks of a tape for the player.

    Raises:
        ValueError: If the clock does not count ticks of 1/30 s, the reset's own included.
    """
    trajectory = tape_trajectory(tape).first(MAX_TICKS)
    expected = CLOCK_STEP * np.arange(1, len(trajectory.clock) + 1)
    if not np.allclose(trajectory.clock, expected, atol=CLOCK_STEP / 10):
        raise ValueError(f"the clock of {label!r} does not count its ticks")
    return Film(label, detail, trajectory)


def _encoded(values: NDArray[Any], kind: str) -> str:
    return base64.b64encode(values.astype(kind).tobytes()).decode()
