"""Runs with one decision of lookahead, from states of searches, to learn values from."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt

from qwop_wr.agents.refit import CriticFitter
from qwop_wr.envs import ACTION_SETS, EnvironmentOptions, Observer, Snapshot
from qwop_wr.envs.rewards import reward_rates
from qwop_wr.options import Options
from qwop_wr.search.beam import BeamSearch, Depth, propose_actions
from qwop_wr.search.guide import EndlessTrack, Guide
from qwop_wr.search.options import USUAL_TICKS, SearchOptions
from qwop_wr.search.tapes import Prefix, idle_prefix
from qwop_wr.simulator.base import Booleans, Integers, Simulator
from qwop_wr.simulator.constants import GROUND_Y, UNITS_PER_METRE


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


class Rollout(NamedTuple):
    """T decisions of n runs.

    Attributes:
        observations: Before every decision, on an endless track, shape (T, n, d).
        actions: Shape (T, n).
        rewards: Without shaping, shape (T, n).
        next_values: Value of the next state, after a fall that of a fall, shape (T, n).
        cut: Whether the run ended with the decision, shape (T, n).
        fallen: Whether the run fell or sank in it, shape (T, n).
        plain: Whether the policy alone decided, shape (T, n).
        void: Whether the run had ended before, shape (T, n); such entries mean nothing.
    """

    observations: NDArray[np.float32]
    actions: NDArray[np.int64]
    rewards: NDArray[np.float32]
    next_values: NDArray[np.float32]
    cut: Booleans
    fallen: Booleans
    plain: Booleans
    void: Booleans


class LookaheadOptions(Options):
    """Options of the runs."""

    n_runs: PositiveInt = 256
    """Number of parallel runs."""
    width: PositiveInt = 1
    """States kept by every run. With one a run looks one decision ahead; with more it is a small
    beam, of which only the best line teaches."""
    value_weight: float = Field(default=0.75, ge=0, allow_inf_nan=False)
    """Weight of values against rewards by which these beams keep states."""
    cell: float = Field(default=0.4, ge=0, allow_inf_nan=False)
    """Their states whose observations round to the same multiples of this count once."""

    proposals: PositiveInt = 3
    """Actions tried in every state."""
    temperature: float = Field(default=1.5, gt=0, allow_inf_nan=False)
    """Temperature of the policy that they are drawn from."""
    plain_share: float = Field(default=0.05, ge=0, le=1)
    """Share of decisions made by the policy alone; beams make none."""
    restart_share: float = Field(default=0.01, ge=0, le=1)
    """Share of runs that are replaced by new ones after every decision."""
    sink_height: float = Field(default=1.3, gt=-1.0, lt=GROUND_Y)
    """Torso height that counts as a fall [units, y points down]."""
    last_metre: float = Field(default=95.0, gt=0, allow_inf_nan=False)
    """Position at which a run is ended [m]."""


class PoolRuns:
    """Games of runs that begin in the states of a pool.

    Args:
        guide: Proposes actions.
        critic: Values states by its current weights.
        n_clones: States that are tried at once.
    """

    def __init__(
        self,
        pool: StatePool,
        guide: Guide,
        critic: CriticFitter,
        environment: EnvironmentOptions,
        options: LookaheadOptions,
        rng: np.random.Generator,
        n_clones: int,
    ) -> None:
        self._pool, self._guide, self._critic = pool, guide, critic
        self._environment, self._options, self._rng = environment, options, rng
        self._rates = reward_rates(environment)
        self._time_cost = self._rates.per_tick * environment.ticks_per_action
        self._masks = ACTION_SETS[environment.actions]
        self._observer = Observer(environment.observation)
        self._track = EndlessTrack(environment.observation)
        self._now = environment.make_games(n_clones)
        self._next = environment.make_games(n_clones)
        start = Snapshot.of(pool.simulator)
        self._pool_x = start.torso_x
        self._pool_seen = self._track.hide_finish(self._observer.observe(start))

    def _fallen(self, games: Snapshot) -> Booleans:
        """Returns whose runner lies or has sunk, shape (n,)."""
        return (games.ended & ~games.landed) | (games.torso_y > self._options.sink_height)


class LookaheadRuns(PoolRuns):
    """Runs that look one decision ahead.

    Before every decision a few actions are tried on clones; the one with the
    best reward and value is taken. So values are learnt for a player that is
    about as good as the search that will use them.

    Args:
        gamma: Discount of the values per decision.
    """

    def __init__(
        self,
        pool: StatePool,
        guide: Guide,
        critic: CriticFitter,
        environment: EnvironmentOptions,
        options: LookaheadOptions,
        gamma: float,
        rng: np.random.Generator,
    ) -> None:
        n_clones = options.n_runs * options.proposals
        super().__init__(pool, guide, critic, environment, options, rng, n_clones)
        self._gamma = gamma
        self._games = np.zeros(options.n_runs, dtype=np.int64)
        self._origins = pool.draw(options.n_runs)
        self._fresh = np.ones(options.n_runs, dtype=np.bool_)
        self.seen: NDArray[np.float32] = self._pool_seen[self._origins]
        """Current observations of all runs, on an endless track, shape (n_runs, d)."""
        self._x = self._pool_x[self._origins]

    def play(self, n_decisions: int, fall_value: float) -> Rollout:
        """Continues all runs by ``n_decisions``; ``fall_value`` is the value of a fall."""
        steps = [self._decide(fall_value) for _ in range(n_decisions)]
        return Rollout(*(np.stack(column) for column in zip(*steps, strict=True)))

    def _decide(self, fall_value: float) -> Rollout:
        options, n = self._options, self._options.n_runs
        logits = self._guide.logits(self.seen)
        actions = propose_actions(logits, options.proposals, options.temperature, self._rng)
        k = actions.shape[1]
        self._expand(k)
        self._next.step(self._masks[actions.ravel()], self._environment.ticks_per_action)
        games = Snapshot.of(self._next)
        seen = self._track.hide_finish(self._observer.observe(games))  # (n * k, d)
        fallen = self._fallen(games)
        advance = (games.torso_x.reshape(n, k) - self._x[:, None]) / UNITS_PER_METRE
        rewards = self._rates.per_metre * advance - self._time_cost  # (n, k)
        values = np.where(fallen, fall_value, self._critic.values(seen)).reshape(n, k)
        choice = (rewards + self._gamma * values).argmax(axis=1)
        plain = self._rng.random(n) < options.plain_share
        choice[plain] = 0
        rows = np.arange(n)
        chosen = rows * k + choice
        far = games.torso_x[chosen] / UNITS_PER_METRE > options.last_metre
        over = fallen[chosen] | games.ended[chosen] | far
        given_up = self._rng.random(n) < options.restart_share
        step = Rollout(
            self.seen,
            actions[rows, choice],
            rewards[rows, choice].astype(np.float32),
            values[rows, choice].astype(np.float32),
            over | given_up,
            fallen[chosen],
            plain,
            np.zeros(n, dtype=np.bool_),
        )
        self._advance(chosen, seen, games.torso_x, over | given_up)
        return step

    def _expand(self, k: int) -> None:
        """Clones every run, or the state of the pool in which it begins, ``k`` times."""
        n = self._options.n_runs
        places = np.arange(n * k).reshape(n, k)
        fresh, old = np.flatnonzero(self._fresh), np.flatnonzero(~self._fresh)
        self._next.copy_games(
            self._pool.simulator, np.repeat(self._origins[fresh], k), places[fresh].ravel()
        )
        self._next.copy_games(self._now, np.repeat(self._games[old], k), places[old].ravel())

    def _advance(
        self,
        chosen: NDArray[np.int64],
        seen: NDArray[np.float32],
        torso_x: NDArray[np.float64],
        ended: Booleans,
    ) -> None:
        self._games, self._fresh = chosen, ended
        self.seen, self._x = seen[chosen], torso_x[chosen]
        n_ended = int(ended.sum())
        if n_ended:
            self._origins[ended] = self._pool.draw(n_ended)
            self.seen[ended] = self._pool_seen[self._origins[ended]]
            self._x[ended] = self._pool_x[self._origins[ended]]
        self._now, self._next = self._next, self._now
