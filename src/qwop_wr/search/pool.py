"""States that searches meet."""

import numpy as np
from pydantic import Field, PositiveInt

from qwop_wr.envs import ACTION_SETS, EnvironmentOptions
from qwop_wr.options import Options
from qwop_wr.search.beam import BeamSearch, Depth
from qwop_wr.search.guide import Guide
from qwop_wr.search.options import USUAL_TICKS, SearchOptions
from qwop_wr.search.tapes import Prefix, idle_prefix
from qwop_wr.simulator.base import Integers, Simulator
from qwop_wr.simulator.constants import UNITS_PER_METRE


class PoolOptions(Options):
    """Which states a pool collects."""

    size: PositiveInt = 12_000
    """Capacity in states."""
    searches: PositiveInt = 4
    """Searches that fill the pool; every second one continues the run of the one before from
    a random place, after a stumble."""
    search: SearchOptions = SearchOptions(width=32)
    """Options of these searches."""
    last_metre: float = Field(default=95.0, gt=0, allow_inf_nan=False)
    """States beyond are left out [m]: they see the finish."""
    stumbles: PositiveInt = 5
    """Largest number of random decisions in a stumble."""


class StatePool:
    """Clones of states, both kept and rejected by beams.

    Args:
        games: Storage; once it is full, new states replace old ones at random.
        last_metre: States beyond are left out [m].
        per_depth: States taken from every depth of a search.
    """

    def __init__(
        self,
        games: Simulator,
        last_metre: float,
        per_depth: int,
        rng: np.random.Generator,
    ) -> None:
        self.simulator = games
        self.n_states = 0
        """States in the pool; they are the simulator's first games."""
        self._last_metre = last_metre
        self._per_depth = per_depth
        self._rng = rng

    def watch(self, depth: Depth) -> None:
        """Takes some states of a depth; a callback for ``BeamSearch.run``."""
        games = np.flatnonzero(depth.running)
        metres = depth.simulator.state[games, 0, 0] / UNITS_PER_METRE
        games = games[metres < self._last_metre]
        if not len(games):
            return
        taken = self._rng.choice(games, size=min(self._per_depth, len(games)), replace=False)
        self.simulator.copy_games(depth.simulator, taken, self._places(len(taken)))

    def draw(self, n: int) -> Integers:
        """Draws ``n`` states, as indices of the pool's games."""
        return self._rng.integers(self.n_states, size=n)

    def _places(self, n: int) -> Integers:
        room = self.simulator.n_games - self.n_states
        fresh = np.arange(self.n_states, self.n_states + min(n, room))
        self.n_states += len(fresh)
        old = self._rng.choice(self.n_states - len(fresh), size=n - len(fresh), replace=False)
        return np.concatenate([fresh, old]).astype(np.int64)


def fill_pool(
    guide: Guide, environment: EnvironmentOptions, options: PoolOptions, rng: np.random.Generator
) -> StatePool:
    """Collects states from a few guided searches."""
    depths = USUAL_TICKS // environment.ticks_per_action
    per_depth = -(-options.size // (options.searches * depths))
    games = environment.make_games(options.size)
    pool = StatePool(games, options.last_metre, per_depth, rng)
    beam = BeamSearch(guide, environment, options.search)
    prefix = idle_prefix(0)
    for number in range(options.searches):
        result = beam.run([prefix], int(rng.integers(2**32)), watch=pool.watch)
        prefix = idle_prefix(0)
        if number % 2 == 0:
            prefix = _disturbed(result.tape.per_tick_keys, environment, options, rng)
    return pool


def _disturbed(
    keys: Prefix, environment: EnvironmentOptions, options: PoolOptions, rng: np.random.Generator
) -> Prefix:
    """Cuts a run at a random place and adds random decisions, for states that runs rarely have."""
    per_decision = environment.ticks_per_action
    before = keys[: int(rng.integers(len(keys))) // per_decision * per_decision]
    n_decisions = int(rng.integers(1, options.stumbles, endpoint=True))
    stumble = rng.choice(ACTION_SETS[environment.actions], size=n_decisions)
    disturbed = np.concatenate([before, np.repeat(stumble, per_decision)])
    game = environment.make_games()
    for mask in disturbed:
        game.step(np.array([mask], dtype=np.uint8))
    lost = bool(game.ended[0]) or game.state[0, 0, 1] > options.search.sink_height
    return idle_prefix(per_decision * n_decisions) if lost else disturbed
