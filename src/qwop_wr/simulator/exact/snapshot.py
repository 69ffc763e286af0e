"""A game kept outside its simulator, to be put back later."""

from dataclasses import dataclass

from qwop_wr.simulator.exact.storage import Storage


@dataclass(frozen=True)
class GameSnapshot:
    """Games at one moment, all hidden state included.

    Attributes:
        version: Version of the engine that took it.
        n_games: Number of games.
        storage: Their memory; not to be changed.
    """

    version: str
    n_games: int
    storage: Storage
