"""States per processor second of the beam search, against what the engine alone can do.

The engine repeats the very clones and steps that a search has made, and nothing else. The
search proposes, values and selects as well. All cases take turns, round after round, so
that what else the machine does touches all alike; medians of the rounds are printed
as a Markdown table.
"""

import argparse
import statistics
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numba.core import config
from numpy.typing import NDArray

from qwop_wr.compute import ComputeOptions, single_thread, usable_cores
from qwop_wr.datasets import AgentDataset
from qwop_wr.envs import ACTION_SETS, EnvironmentOptions
from qwop_wr.search import AgentGuide, BeamSearch, SearchOptions
from qwop_wr.search.beam import Depth
from qwop_wr.search.parallel import Search, run_searches
from qwop_wr.search.tapes import idle_prefix, play_prefixes
from qwop_wr.simulator import Simulator, make_simulator
from qwop_wr.simulator.tape import Tape

RAW: Final = Path(__file__).parents[1] / "data" / "01_raw"
SETTINGS: Final[Any] = config
WIDTH: Final = 512
PROPOSALS: Final = 3
DEPTHS: Final = 60
CLONES: Final = WIDTH * PROPOSALS * DEPTHS
SEED: Final = 1
NETWORK: Final = ("policy", "value")


class Round(NamedTuple):
    """Rates of one round [states per processor second] and the speed-up of all cores.

    Attributes:
        engine: Cloning and stepping alone, one core.
        search: The whole search, one core.
        search_alone: The search without the time of its networks, one core.
        speed_up: Searches side by side on all cores, against one after the other.
    """

    engine: float
    search: float
    search_alone: float
    speed_up: float


class Workload:
    """A search on the open track, and the clones and steps that it consists of."""

    def __init__(self) -> None:
        environment = EnvironmentOptions()
        agent = AgentDataset(filepath=RAW / "expert.safetensors").load()
        assert agent is not None  # noqa: S101 - it is not optional
        self._options = options = SearchOptions(width=WIDTH, proposals=PROPOSALS)
        self._environment, self._guide = environment, AgentGuide([agent], environment)
        self._masks = ACTION_SETS[environment.actions]
        self._ticks = environment.ticks_per_action
        self._beam = BeamSearch(self._guide, environment, options)
        keys = Tape.load(RAW / "record.qwop.json").per_tick_keys
        self._prefix = keys[: len(keys) // 6 * 2]
        self._kept: list[NDArray[np.int64]] = [np.zeros(1, dtype=np.int64)]
        self._actions: list[NDArray[np.int64]] = []
        self._beam.run([self._prefix], SEED, CLONES, watch=self._note)
        self._start = play_prefixes(environment, [self._prefix], options.sink_height)

    def _note(self, depth: Depth) -> None:
        self._kept.append(depth.kept.copy())
        self._actions.append(depth.actions.copy())

    def engine(self) -> float:
        """Clone and step what the search does; returns states per processor second."""
        now: Simulator = self._start
        spare = [make_simulator("exact", WIDTH * PROPOSALS) for _ in range(2)]
        started = time.process_time()
        for depth, (kept, actions) in enumerate(zip(self._kept, self._actions, strict=False)):
            following = spare[depth % 2]
            n = len(actions)
            following.copy_games(now, np.repeat(kept, n // len(kept)), np.arange(n))
            keys = np.zeros(following.n_games, dtype=np.uint8)
            keys[:n] = self._masks[actions]
            following.step(keys, self._ticks)
            now = following
        return sum(map(len, self._actions)) / (time.process_time() - started)

    def search(self) -> tuple[float, float]:
        """Search; returns states per processor second, with and without the networks' time."""
        started = time.process_time()
        result = self._beam.run([self._prefix], SEED, CLONES)
        rate = result.clones / (time.process_time() - started)
        network = sum(result.shares[part] for part in NETWORK)
        return rate, rate / (1.0 - network)

    def speed_up(self) -> float:
        """Search on all cores; returns how many times faster than on one."""
        searches = [
            Search([idle_prefix(2 * seed)], self._options, seed, max_clones=CLONES // 3)
            for seed in range(2 * usable_cores())
        ]
        seconds = []
        for workers in (1, usable_cores()):
            started = time.perf_counter()
            compute = ComputeOptions(workers=workers)
            list(run_searches([self._guide], self._environment, searches, compute))
            seconds.append(time.perf_counter() - started)
        return seconds[0] / seconds[1]


def measure(rounds: int) -> Round:
    """Let the cases take turns.

    Args:
        rounds: How often.

    Returns:
        Medians of the rounds.
    """
    SETTINGS.NUMBA_NUM_THREADS = 1
    work = Workload()
    work.engine()
    taken = [Round(work.engine(), *work.search(), work.speed_up()) for _ in range(rounds)]
    ratios = [one.search_alone / one.engine for one in taken]
    print(f"search without networks, share of the engine's rate: {statistics.median(ratios):.0%}")
    return Round(*(statistics.median(column) for column in zip(*taken, strict=True)))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="turns that each case takes")
    rounds = parser.parse_args().rounds
    with single_thread():  # as a job does
        rates = measure(rounds)
    network = 1.0 - rates.search / rates.search_alone
    lines = [
        "| case | states per processor second |",
        "| --- | ---: |",
        f"| engine: clone and step | {rates.engine:,.0f} |",
        f"| search without the time of its networks | {rates.search_alone:,.0f} |",
        f"| search | {rates.search:,.0f} |",
    ]
    print(f"\nwidth {WIDTH}, {PROPOSALS} proposals, one core; medians of {rounds} rounds\n")
    print("\n".join(lines))
    print(f"\nnetworks: {network:.0%} of the search's time")
    print(f"{usable_cores()} cores: {rates.speed_up:.2f} times one core")


if __name__ == "__main__":
    main()
