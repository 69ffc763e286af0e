"""Small beams from states of searches; values are learnt from the best line of each."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qwop_wr.agents.refit import CriticFitter
from qwop_wr.envs import ACTION_SETS, EnvironmentOptions, Snapshot
from qwop_wr.search.beam import Selector, propose_actions
from qwop_wr.search.guide import Guide
from qwop_wr.search.lookahead import LookaheadOptions, PoolRuns, Rollout, StatePool
from qwop_wr.simulator.base import Booleans, Integers
from qwop_wr.simulator.constants import UNITS_PER_METRE


class _Level(NamedTuple):
    """States that all runs keep after a decision, shape (m, ...).

    Attributes:
        observations: On an endless track.
        torso_x: Position [units].
        runs: Run of every state.
        scores: What the beams keep states by.
        values: The critic's.
        parents: Place of each state's parent in the level before.
        actions: Action that led from there to the state.
    """

    observations: NDArray[np.float32]
    torso_x: NDArray[np.float64]
    runs: Integers
    scores: NDArray[np.float64]
    values: NDArray[np.float32]
    parents: Integers
    actions: Integers

    def select(self, places: Integers) -> "_Level":
        """Returns a level of some of the states."""
        return _Level._make(column[places] for column in self)

    def foremost(self, n_runs: int) -> Integers:
        """Finds the place of every run's best state, -1 for runs without any."""
        places = np.full(n_runs, -1)
        order = np.argsort(self.scores, kind="stable")
        # Where an index repeats, the last value stays.
        places[self.runs[order]] = order
        return places


class _Ends(NamedTuple):
    """Where the best line of every run ends, shape (n_runs,).

    Attributes:
        depths: Level of its last state.
        places: Its place there.
        lost: Whether the run had no state any more after it.
        far: Whether it has passed the last metre.
    """

    depths: Integers
    places: Integers
    lost: Booleans
    far: Booleans


class LineRuns(PoolRuns):
    """Runs from the states of a pool, each a beam of a few states.

    Of the states that a run has after a rollout the best is traced back: this line is what
    has happened. So values are learnt for a player who chooses like a beam, with hindsight.
    A run falls when none of its states is upright any more.
    """

    def __init__(
        self,
        pool: StatePool,
        guide: Guide,
        critic: CriticFitter,
        environment: EnvironmentOptions,
        options: LookaheadOptions,
        rng: np.random.Generator,
    ) -> None:
        n_proposals = min(options.proposals, len(ACTION_SETS[environment.actions]))
        n_clones = options.n_runs * options.width * n_proposals
        super().__init__(pool, guide, critic, environment, options, rng, n_clones)
        n_features = len(self._observer.features)
        self._selector = Selector(n_features, options.n_runs, options.cell)
        nothing = np.zeros(0, dtype=np.int64)
        self._games = nothing
        """Game of every state of the current level."""
        self._level = self._as_level(self._pool_seen[:0], self._pool_x[:0], nothing)
        self._begin(np.arange(options.n_runs))

    @property
    def seen(self) -> NDArray[np.float32]:
        """Current observations of all states, on an endless track, shape (m, d)."""
        return self._level.observations

    def play(self, n_decisions: int, fall_value: float) -> Rollout:
        """Continues all runs by ``n_decisions``; ``fall_value`` is the value of a fall."""
        n = self._options.n_runs
        places = self._level.foremost(n)
        none = np.zeros(n, dtype=np.bool_)
        ends = _Ends(np.zeros(n, dtype=np.int64), places, none, none.copy())
        levels = [self._level]
        for depth in range(n_decisions):
            going = ~(ends.lost | ends.far)
            if not going.any():
                break
            level = self._decide(levels[-1], going)
            levels.append(level)
            self._note_ends(ends, level, going, depth + 1)
        self._level = levels[-1]
        rollout = self._trace(levels, ends, n_decisions, fall_value)
        given_up = self._rng.random(n) < 1.0 - (1.0 - self._options.restart_share) ** n_decisions
        self._begin(np.flatnonzero(ends.lost | ends.far | given_up))
        return rollout

    def _decide(self, level: _Level, going: Booleans) -> _Level:
        """Tries actions in all states and keeps the best of every run."""
        options = self._options
        old = np.flatnonzero(going[level.runs])
        logits = self._guide.logits(level.observations[old])
        actions = propose_actions(logits, options.proposals, options.temperature, self._rng)
        n, k = actions.shape
        parents, actions = np.repeat(old, k), actions.ravel()  # (n * k,)
        self._next.copy_games(self._now, self._games[parents], np.arange(n * k))
        keys = np.zeros(self._next.n_games, dtype=np.uint8)
        keys[: n * k] = self._masks[actions]
        self._next.step(keys, self._environment.ticks_per_action)
        games = Snapshot._make(field[: n * k] for field in Snapshot.of(self._next))
        upright = np.flatnonzero(~self._fallen(games))
        seen = self._track.hide_finish(self._observer.observe(games)[upright])
        tried = self._as_level(
            seen, games.torso_x[upright], level.runs[parents[upright]], parents[upright],
            actions[upright],
        )  # fmt: skip
        width = options.n_runs * options.width
        chosen = self._selector.select(tried.scores, seen, tried.runs, width)
        self._now, self._next = self._next, self._now
        self._games = upright[chosen]
        return tried.select(chosen)

    def _as_level(
        self,
        observations: NDArray[np.float32],
        torso_x: NDArray[np.float64],
        runs: Integers,
        parents: Integers | None = None,
        actions: Integers | None = None,
    ) -> _Level:
        nothing = np.zeros(len(runs), dtype=np.int64)
        values = self._critic.values(observations) if len(runs) else np.zeros(0, dtype=np.float32)
        scores = (
            self._rates.per_metre * torso_x / UNITS_PER_METRE + self._options.value_weight * values
        )
        return _Level(
            observations,
            torso_x,
            runs,
            scores,
            values,
            nothing if parents is None else parents,
            nothing if actions is None else actions,
        )

    def _note_ends(self, ends: _Ends, level: _Level, going: Booleans, depth: int) -> None:
        places = level.foremost(self._options.n_runs)
        alive = places >= 0
        ends.lost[going & ~alive] = True
        ends.depths[alive], ends.places[alive] = depth, places[alive]
        metres = level.torso_x[places[alive]] / UNITS_PER_METRE
        ends.far[alive] = metres > self._options.last_metre

    def _trace(
        self, levels: list[_Level], ends: _Ends, n_decisions: int, fall_value: float
    ) -> Rollout:
        """Follows every run's line from its end back to its beginning."""
        n = self._options.n_runs
        shape = (n_decisions, n)
        seen = np.zeros((*shape, self._pool_seen.shape[1]), dtype=np.float32)
        rollout = Rollout(
            observations=seen,
            actions=np.zeros(shape, dtype=np.int64),
            rewards=np.zeros(shape, dtype=np.float32),
            next_values=np.zeros(shape, dtype=np.float32),
            cut=np.zeros(shape, dtype=np.bool_),
            fallen=np.zeros(shape, dtype=np.bool_),
            plain=np.zeros(shape, dtype=np.bool_),
            void=np.ones(shape, dtype=np.bool_),
        )
        lost, far = np.flatnonzero(ends.lost), np.flatnonzero(ends.far)
        for run in lost:
            depth = ends.depths[run]
            seen[depth, run] = levels[depth].observations[ends.places[run]]
        at = ends.depths[lost], lost
        rollout.rewards[at], rollout.next_values[at] = -self._time_cost, fall_value
        # No action was chosen: all of them end the run.
        rollout.cut[at] = rollout.fallen[at] = rollout.plain[at] = True
        rollout.void[at] = False
        rollout.cut[ends.depths[far] - 1, far] = True
        places = ends.places.copy()
        for depth in range(len(levels) - 1, 0, -1):
            level, before, step = levels[depth], levels[depth - 1], depth - 1
            runs = np.flatnonzero(ends.depths >= depth)
            after = places[runs]
            places[runs] = origin = level.parents[after]
            advance = (level.torso_x[after] - before.torso_x[origin]) / UNITS_PER_METRE
            seen[step, runs] = before.observations[origin]
            rollout.actions[step, runs] = level.actions[after]
            rollout.rewards[step, runs] = self._rates.per_metre * advance - self._time_cost
            rollout.next_values[step, runs] = level.values[after]
            rollout.void[step, runs] = False
        return rollout

    def _begin(self, runs: Integers) -> None:
        """Begins runs anew, each in one state of the pool."""
        origins = self._pool.draw(len(runs))
        kept = np.flatnonzero(~np.isin(self._level.runs, runs))
        n = len(kept)
        self._next.copy_games(self._now, self._games[kept], np.arange(n))
        self._next.copy_games(self._pool.simulator, origins, np.arange(n, n + len(runs)))
        self._now, self._next = self._next, self._now
        self._games = np.arange(n + len(runs))
        level = self._level
        self._level = self._as_level(
            np.concatenate([level.observations[kept], self._pool_seen[origins]]),
            np.concatenate([level.torso_x[kept], self._pool_x[origins]]),
            np.concatenate([level.runs[kept], runs]),
        )
