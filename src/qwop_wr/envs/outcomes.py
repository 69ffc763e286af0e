"""How the games of a batch stand after a decision."""

from typing import NamedTuple

from qwop_wr.envs.options import EnvironmentOptions
from qwop_wr.envs.snapshots import Snapshot
from qwop_wr.simulator.base import Booleans


class Outcomes(NamedTuple):
    """At most one is true of a game; while all are false it goes on. Shapes (n,).

    Args:
        finished: The runner has landed in the sand pit, on whatever part.
        fallen: Head, arm or forearm has touched the track.
        sunk: The torso is below the permitted height.
        truncated: The ticks are used up.
    """

    finished: Booleans
    fallen: Booleans
    sunk: Booleans
    truncated: Booleans

    @classmethod
    def of(cls, games: Snapshot, options: EnvironmentOptions) -> "Outcomes":
        """Judge every game of a snapshot."""
        finished = games.ended & games.landed
        fallen = games.ended & ~games.landed
        sunk = ~games.ended
        if options.sink_height is None:
            sunk[:] = False
        else:
            sunk &= games.torso_y > options.sink_height
        truncated = (games.ticks >= options.max_ticks) & ~(games.ended | sunk)
        return cls(finished, fallen, sunk, truncated)

    @property
    def failed(self) -> Booleans:
        """Whether the runner has fallen or sunk, shape (n,)."""
        return self.fallen | self.sunk

    @property
    def terminated(self) -> Booleans:
        """Whether the run has come to an end of its own, shape (n,)."""
        return self.finished | self.fallen | self.sunk
