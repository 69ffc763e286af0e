"""Snapshots: the state of a batch of games that environments read."""

from typing import Any, NamedTuple

from numpy.typing import NDArray

from qwop_wr.simulator.base import Booleans, Floats, Integers, Simulator
from qwop_wr.simulator.keys import KeyMasks


class Snapshot(NamedTuple):
    """Copies of the games' visible and hidden state; the games are the first axis.

    Attributes:
        state: Parts' x, y, angle, vx, vy, angular velocity, shape (n, 12, 6).
        hurdle: The same for hurdle base and top, shape (n, 2, 6).
        head_torque: Torque accumulated on the head, shape (n,).
        calf_key: Calf key that last set the hip limits: 0, O or P, shape (n,).
        foot_contacts: Whether left and right foot touch the ground, shape (n, 2).
        score: Displayed distance [m], shape (n,).
        score_time: The game's clock [s], shape (n,).
        ticks: Ticks since the reset, shape (n,).
        landed: Whether the runner has finished, shape (n,).
        ended: Whether the game itself is over, shape (n,).
    """

    state: Floats
    hurdle: Floats
    head_torque: Floats
    calf_key: KeyMasks
    foot_contacts: Booleans
    score: Floats
    score_time: Floats
    ticks: Integers
    landed: Booleans
    ended: Booleans

    @classmethod
    def of(cls, simulator: Simulator) -> "Snapshot":
        """Reads all games of a simulator."""
        return cls(*(getattr(simulator, name) for name in cls._fields))

    @property
    def torso_x(self) -> Floats:
        """Horizontal position of the torso [units], shape (n,)."""
        return self.state[:, 0, 0]

    @property
    def torso_y(self) -> Floats:
        """Vertical position of the torso, downward [units], shape (n,)."""
        return self.state[:, 0, 1]

    def overwrite(
        self, games: NDArray[Any], source: "Snapshot", source_games: NDArray[Any]
    ) -> None:
        """Replaces games by those of another snapshot; both are given by indices or a mask."""
        for name in self._fields:
            getattr(self, name)[games] = getattr(source, name)[source_games]
