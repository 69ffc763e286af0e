"""A toy world in Python: what the stand-in page computes, and the page itself.

It has the game's hooks and loop, and none of its physics: keys push all parts alike. Q and P
together land it in the sand pit after some sixty ticks, W and O make it fall. A world that has made
ticks before its reset starts half a unit farther on, so that only the hard reset is right.
"""

import hashlib
import json
import re
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qwop_wr.envs.snapshots import Snapshot
from qwop_wr.simulator.anatomy import HURDLE, HURDLE_JOINT, JOINTS, PART_NAMES, PARTS, BodySpec
from qwop_wr.simulator.keys import O, P, Q, W
from qwop_wr.simulator.tape import Tape

STEP = 0.03333333333333333
RUN = Q | P
FALL = W | O
_SOURCE = Path(__file__).with_name("toy.js")
_PARTS = {part.name: part for part in PARTS}


class ToyGame:
    """One game of the toy world, after its hard reset."""

    def __init__(self) -> None:
        bodies = [*(_PARTS[name] for name in PART_NAMES), *HURDLE]
        self.state = np.array([[*b.position, b.angle, 0.0, 0.0, 0.0] for b in bodies])
        self.ticks = -1
        self.clock = 0.0
        self.head_torque = 0.0
        self.calf_key = 0
        self.flags = 0
        self.step(0)

    def step(self, mask: int) -> None:
        """Advance by a tick, unless the game has ended."""
        if self.ended:
            return
        self.clock += STEP
        self.ticks += 1
        self.calf_key = (mask & O) or (mask & P) or self.calf_key
        push = (3 if mask & Q else 0) + (2 if mask & P else 0) - (1 if mask & W else 0)
        for index, body in enumerate(self.state[:12]):
            body[3] = 0.9 * body[3] + push * (1 + index * 0.01)
            body[0] += 0.4 * body[3]
            body[2] += 0.001 * body[3]
            body[4] = 0.5 * body[2]
            body[5] = 0.02 * body[3]
        self.head_torque -= 0.25
        x = self.state[0, 0]
        fallen, jumped, landed = mask & FALL == FALL, x > 900, x > 1000
        ended = fallen or landed
        self.flags = fallen + 2 * int(jumped) + 4 * int(landed) + 8 * int(ended)

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return bool(self.flags & 8)

    @property
    def feet(self) -> tuple[bool, bool]:
        """Which feet are on the ground."""
        return self.ticks % 2 == 1, self.ticks % 3 == 0

    def row(self) -> NDArray[np.float64]:
        """The numbers that the page's script sends."""
        x = self.state[0, 0]
        score = np.floor(x + 0.5) / 10
        scalars = (self.clock, score, self.flags, (x - 14) * 20, sum(self.feet))
        return np.concatenate([self.state.ravel(), scalars])

    def snapshot(self) -> Snapshot:
        """What an agent observes."""
        values: dict[str, Any] = dict.fromkeys(Snapshot._fields, np.zeros(1))
        values["state"], values["hurdle"] = self.state[None, :12], self.state[None, 12:]
        values["head_torque"] = np.array([self.head_torque])
        values["calf_key"] = np.array([self.calf_key], dtype=np.uint8)
        values["foot_contacts"] = np.array([self.feet])
        return Snapshot(**values)


def toy_replayed(keys: NDArray[np.uint8], platform: str) -> NDArray[np.float64]:
    """Stands in for the engine."""
    del platform
    game = ToyGame()
    rows = [game.row()]
    for mask in keys.tolist():
        if game.ended:
            break
        game.step(mask)
        rows.append(game.row())
    return np.array(rows)


def toy_tape(masks: list[int], platform: str = "chromium") -> Tape:
    """Record a tape of the toy world."""
    rows = toy_replayed(np.array(masks, dtype=np.uint8), platform)
    played = masks[: len(rows) - 1]
    last = rows[-1]
    return Tape(
        keys=tuple((mask, len(list(group))) for mask, group in groupby(played)),
        ticks=len(played),
        score_time=float(last[84]),
        distance=float(last[85]),
        finished=bool(int(last[86]) & 4),
        state_sha256=hashlib.sha256(last[:72].tobytes()).hexdigest(),
        engine="exact",
        engine_version="toy",
        platform=platform,
    )


def write_page(folder: Path, drift: float = 0.0, head_mass: float | None = None) -> Path:
    """Write the stand-in page.

    Args:
        folder: Where to.
        drift: Added to every part's x in every tick: a world of other physics.
        head_mass: Mass of the head: a changed game.

    Returns:
        The folder.
    """
    folder.mkdir(exist_ok=True)
    parts = {_camel(name): _described(_PARTS[name]) for name in PART_NAMES}
    if head_mass is not None:
        parts["head"]["mass"] = head_mass
    toy = {
        "parts": parts,
        "hurdle": {_camel(body.name): _described(body) for body in HURDLE},
        "joints": {
            _camel(j.name): [j.lower, j.upper, j.max_torque] for j in (*JOINTS, HURDLE_JOINT)
        },
        "faults": {"drift": drift},
    }
    source = f"const TOY = {json.dumps(toy)};\n{_SOURCE.read_text(encoding='utf-8')}"
    (folder / "toy.js").write_text(source, encoding="utf-8")
    (folder / "index.html").write_text(
        "<!doctype html><html><head><title>toy</title></head><body>"
        '<canvas width="320" height="200"></canvas></body><script src="toy.js"></script></html>',
        encoding="utf-8",
    )
    return folder


def _described(body: BodySpec) -> dict[str, float]:
    x, y = body.position
    facts = {"mass": body.mass, "inertia": body.inertia, "friction": body.friction}
    return {"x": x, "y": y, "angle": body.angle, **facts}


def _camel(name: str) -> str:
    return re.sub("_(.)", lambda found: found[1].upper(), name)
