"""What an environment's state is saved as, and how games are brought back to it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from qwop_wr.envs.snapshots import Snapshot
from qwop_wr.simulator import make_simulator
from qwop_wr.simulator.base import Simulator
from qwop_wr.simulator.keys import N_MASKS

Arrays = dict[str, NDArray[Any]]

_HALF: Final = 1 << 64
_GENERATOR_WORDS: Final = 6


def check_alike(arrays: Mapping[str, NDArray[Any]], expected: Mapping[str, NDArray[Any]]) -> None:
    """Make sure that saved arrays are those of an environment like this one.

    Args:
        arrays: What is to be loaded.
        expected: Arrays of the right names, shapes and types.

    Raises:
        ValueError: Naming the first array that is missing, unknown or of another
            shape or type.
    """
    for name in sorted(arrays.keys() | expected.keys()):
        if name not in arrays:
            raise ValueError(f"the saved state lacks {name!r}")
        if name not in expected:
            raise ValueError(f"the saved state holds {name!r}, which this environment has not")
        array, like = arrays[name], expected[name]
        if (array.dtype, array.shape) != (like.dtype, like.shape):
            raise ValueError(
                f"the saved state's {name!r} is {array.dtype} of shape {array.shape}, "
                f"here it is {like.dtype} of shape {like.shape}"
            )


def generator_words(generators: Sequence[np.random.Generator]) -> NDArray[np.uint64]:
    """Copy the states of generators.

    Args:
        generators: n generators of the kind ``PCG64``, as ``default_rng`` makes them.

    Returns:
        State and increment as two words each, then the spare half word and whether
        there is one, shape (n, 6).

    Raises:
        ValueError: If a generator is of another kind.
    """
    words = np.empty((len(generators), _GENERATOR_WORDS), dtype=np.uint64)
    for row, generator in zip(words, generators, strict=True):
        state: dict[str, Any] = dict(generator.bit_generator.state)
        if state["bit_generator"] != "PCG64":
            raise ValueError(f"a generator must be a PCG64, got a {state['bit_generator']}")
        numbers = (state["state"]["state"], state["state"]["inc"])
        halves = [half for number in numbers for half in divmod(int(number), _HALF)]
        row[:] = [*halves, int(state["uinteger"]), int(state["has_uint32"])]
    return words


def generators_from(words: NDArray[np.uint64]) -> list[np.random.Generator]:
    """Make generators that go on where others were.

    Args:
        words: As ``generator_words`` gave them, shape (n, 6).

    Returns:
        n generators.

    Raises:
        ValueError: If the last words are not such as a generator has.
    """
    generators = []
    for high, low, high_step, low_step, spare, has_spare in words.tolist():
        if has_spare > 1 or spare >= 1 << 32:
            raise ValueError("the saved state's generators are not in the form of a PCG64")
        generator = np.random.Generator(np.random.PCG64(0))
        generator.bit_generator.state = {
            "bit_generator": "PCG64",
            "state": {"state": high * _HALF + low, "inc": high_step * _HALF + low_step},
            "has_uint32": has_spare,
            "uinteger": spare,
        }
        generators.append(generator)
    return generators


_NO_KEYS = np.zeros(1, dtype=np.uint8)


class StartingStates:
    """One game for each number of idle ticks, to be cloned when an episode begins.

    Cloning costs the same however many ticks are idle, and leaves the other
    games of a batch alone.

    Args:
        engine: Name of the physics engine.
        idle_ticks: The most ticks without keys after a hard reset.
    """

    def __init__(self, engine: str, idle_ticks: int) -> None:
        self._games = make_simulator(engine, idle_ticks + 1)
        idler = make_simulator(engine, 1)
        idler.reset()
        for ticks in range(idle_ticks + 1):
            self._games.copy_games(idler, [0], [ticks])
            idler.step(_NO_KEYS)
        self.snapshot = Snapshot.of(self._games)

    def begin(
        self, simulator: Simulator, idle_ticks: NDArray[np.int64], games: NDArray[np.int64]
    ) -> None:
        """Begin new episodes.

        Args:
            simulator: Simulator of the same engine whose games begin anew.
            idle_ticks: Idle ticks already played for each, shape (k,).
            games: Which games, shape (k,).
        """
        simulator.copy_games(self._games, idle_ticks, games)


class PlayedKeys:
    """Remembers the keys of every game since its episode began.

    A game follows from its start and its keys to the bit, so that these are all that has
    to be kept of it: small, the same for every engine, and harmless in a file.

    Args:
        n_games: Number of games.
        n_decisions: Most decisions of an episode.
    """

    def __init__(self, n_games: int, n_decisions: int) -> None:
        self._masks = np.zeros((n_games, n_decisions), dtype=np.uint8)
        self._lengths = np.zeros(n_games, dtype=np.int64)

    def begin(self, games: NDArray[np.int64]) -> None:
        """Forget the episodes of games that begin anew.

        Args:
            games: Their indices, shape (k,).
        """
        self._masks[games] = 0
        self._lengths[games] = 0

    def add(self, keys: NDArray[np.uint8], playing: NDArray[np.bool_]) -> None:
        """Remember one decision.

        Args:
            keys: Masks that were played, shape (n_games,).
            playing: Games that did play them, shape (n_games,).
        """
        games = np.flatnonzero(playing)
        self._masks[games, self._lengths[games]] = keys[games]
        self._lengths[games] += 1

    def state(self) -> Arrays:
        """Copy what is remembered.

        Returns:
            ``played_keys``, shape (n_games, n_decisions), and ``played_decisions``,
            shape (n_games,).
        """
        return {"played_keys": self._masks.copy(), "played_decisions": self._lengths.copy()}

    def load_state(self, arrays: Arrays) -> None:
        """Remember what was saved.

        Args:
            arrays: From :meth:`state`, of the same names, shapes and types.

        Raises:
            ValueError: If keys or numbers of decisions are out of range.
        """
        masks, lengths = arrays["played_keys"], arrays["played_decisions"]
        if masks.max(initial=0) >= N_MASKS:
            raise ValueError("the saved state's 'played_keys' hold a mask above 15")
        if lengths.min() < 0 or lengths.max() > masks.shape[1]:
            raise ValueError("the saved state's 'played_decisions' are longer than an episode")
        self._masks[:], self._lengths[:] = masks, lengths

    def replay(
        self,
        simulator: Simulator,
        starts: StartingStates,
        idle_ticks: NDArray[np.int64],
        ticks_per_action: int,
    ) -> None:
        """Bring the games of a simulator to where they were.

        Every game begins so late that all are there after the same step.

        Args:
            simulator: The games.
            starts: What episodes begin from.
            idle_ticks: Idle ticks that each began with, shape (n_games,).
            ticks_per_action: Ticks that a decision is held for.
        """
        longest = int(self._lengths.max())
        offsets = longest - self._lengths
        games = np.arange(len(offsets))
        for step in range(longest + 1):
            beginning = np.flatnonzero(offsets == step)
            if beginning.size:
                starts.begin(simulator, idle_ticks[beginning], beginning)
            if step < longest:
                keys = self._masks[games, np.maximum(step - offsets, 0)]
                simulator.step(keys, ticks_per_action)
