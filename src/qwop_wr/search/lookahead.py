"""Runs that look one decision ahead, to learn values from."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from qwop_wr.agents.refit import CriticFitter
from qwop_wr.envs import ACTION_SETS, EnvironmentOptions, Observer, Snapshot
from qwop_wr.search.guide import Guide
from qwop_wr.search.pool import StatePool
from qwop_wr.search.proposals import propose_actions
from qwop_wr.search.track import EndlessTrack
from qwop_wr.simulator.constants import GROUND_Y, UNITS_PER_METRE

Floats = NDArray[np.float32]
Booleans = NDArray[np.bool_]


class Stretch(NamedTuple):
    """Some decisions of all runs; T decisions, n runs.

    Attributes:
        observations: Before every decision, on an endless track, shape (T, n, d).
        actions: Decided upon, shape (T, n).
        rewards: Metres less the cost of ticks, shape (T, n).
        next_values: Value of the state after it; after a fall what a fall is worth,
            shape (T, n).
        cut: Whether the run was ended by it, shape (T, n).
        fallen: Whether the run fell or sank in it, shape (T, n).
        plain: Whether the policy alone decided, shape (T, n).
    """

    observations: Floats
    actions: NDArray[np.int64]
    rewards: Floats
    next_values: Floats
    cut: Booleans
    fallen: Booleans
    plain: Booleans


class LookaheadOptions(BaseModel):
    """How runs are made."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    n_runs: PositiveInt = 256
    """Runs side by side."""
    proposals: PositiveInt = 3
    """Actions tried before every decision."""
    temperature: float = Field(default=1.5, gt=0, allow_inf_nan=False)
    """Of the policy that they are drawn from."""
    plain_share: float = Field(default=0.1, ge=0, le=1)
    """Share of decisions made by the policy alone."""
    restart_share: float = Field(default=0.01, ge=0, le=1)
    """Share of runs that are given up after every decision, so that others can begin."""
    sink_height: float = Field(default=1.3, gt=-1.0, lt=GROUND_Y)
    """Torso height that counts as a fall [units, y points down]."""
    last_metre: float = Field(default=95.0, gt=0, allow_inf_nan=False)
    """Position at which a run is given up [m]."""


class LookaheadRuns:
    """Runs from the states of a pool.

    Before every decision a few actions are tried on clones; the one with the
    best reward and value is taken. So values are learnt for a player that is
    about as good as the search that will use them.

    Args:
        pool: Where runs begin.
        guide: Proposes actions.
        critic: Values states, as it is at the moment.
        environment: How the game is played and what is earned.
        options: How runs are made.
        gamma: Discount of the values per decision.
        rng: Source of all draws.
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
        self._pool, self._guide, self._critic = pool, guide, critic
        self._environment, self._options, self._rng = environment, options, rng
        self._gamma = gamma
        self._masks = ACTION_SETS[environment.actions]
        self._observer = Observer(environment.observation)
        self._track = EndlessTrack(environment.observation)
        n_clones = options.n_runs * options.proposals
        self._now = environment.make_games(n_clones)
        self._next = environment.make_games(n_clones)
        self._games = np.zeros(options.n_runs, dtype=np.int64)
        self._origins = pool.draw(options.n_runs)
        self._fresh = np.ones(options.n_runs, dtype=np.bool_)
        start = Snapshot.of(pool.simulator)
        self._pool_x = start.torso_x
        self._pool_seen = self._track.seen(self._observer.observe(start))
        self.seen: Floats = self._pool_seen[self._origins]
        """What every run has before it now, on an endless track, shape (n_runs, d)."""
        self._x = self._pool_x[self._origins]

    def play(self, n_decisions: int, fall_value: float) -> Stretch:
        """Go on with all runs.

        Args:
            n_decisions: Decisions to make in each.
            fall_value: What the state after a fall is worth.

        Returns:
            What happened.
        """
        steps = [self._decide(fall_value) for _ in range(n_decisions)]
        return Stretch(*(np.stack(column) for column in zip(*steps, strict=True)))

    def _decide(self, fall_value: float) -> Stretch:
        options, n = self._options, self._options.n_runs
        logits = self._guide.logits(self.seen)
        actions = propose_actions(logits, options.proposals, options.temperature, self._rng)
        k = actions.shape[1]
        self._expand(k)
        self._next.step(self._masks[actions.ravel()], self._environment.ticks_per_action)
        games = Snapshot.of(self._next)
        seen = self._track.seen(self._observer.observe(games))  # (n * k, d)
        fallen = (games.ended & ~games.landed) | (games.torso_y > options.sink_height)
        advance = (games.torso_x.reshape(n, k) - self._x[:, None]) / UNITS_PER_METRE
        rewards = (
            self._environment.metre_reward * advance
            - self._environment.tick_cost * self._environment.ticks_per_action
        )  # (n, k)
        values = np.where(fallen, fall_value, self._critic.values(seen)).reshape(n, k)
        choice = (rewards + self._gamma * values).argmax(axis=1)
        plain = self._rng.random(n) < options.plain_share
        choice[plain] = 0
        rows = np.arange(n)
        chosen = rows * k + choice
        far = games.torso_x[chosen] / UNITS_PER_METRE > options.last_metre
        over = fallen[chosen] | games.ended[chosen] | far
        given_up = self._rng.random(n) < options.restart_share
        step = Stretch(
            self.seen,
            actions[rows, choice],
            rewards[rows, choice].astype(np.float32),
            values[rows, choice].astype(np.float32),
            over | given_up,
            fallen[chosen],
            plain,
        )
        self._advance(chosen, seen, games.torso_x, over | given_up)
        return step

    def _expand(self, k: int) -> None:
        """Clone every run, or the pool's state in which it begins, ``k`` times."""
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
        seen: Floats,
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
