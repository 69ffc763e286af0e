"""Games kept outside their simulator, to be put back later."""

from dataclasses import dataclass

import numpy as np

from qwop_wr.simulator.exact.storage import Storage


@dataclass(frozen=True)
class GameSnapshot:
    """Games at one moment, all hidden state included; it never changes.

    Attributes:
        version: Version of the engine that took it.
        memory: Their lanes, reals and integers, one after the other.
    """

    version: str
    platform: str
    n_games: int
    memory: bytes

    @classmethod
    def of(cls, version: str, platform: str, n_games: int, storage: Storage) -> "GameSnapshot":
        """Copies games out of memory that holds nothing else."""
        arrays = (storage.lanes, storage.reals, storage.integers)
        return cls(version, platform, n_games, b"".join(array.tobytes() for array in arrays))

    def storage(self) -> Storage:
        """Copies the games into memory of their own, where they come first.

        Raises:
            ValueError: If the snapshot's size does not fit its number of games.
        """
        storage = Storage.for_games(self.n_games)
        arrays = (storage.lanes, storage.reals, storage.integers)
        if len(self.memory) != sum(array.nbytes for array in arrays):
            raise ValueError(
                f"a snapshot of {self.n_games} games cannot have {len(self.memory)} bytes"
            )
        start = 0
        for array in arrays:
            array[:] = np.frombuffer(self.memory, array.dtype, array.size, start)
            start += array.nbytes
        return storage
