"""Beam search over exact clones of the game."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qwop_wr.envs import ACTION_SETS, EnvironmentOptions, Observer, Snapshot
from qwop_wr.search.budget import BudgetMeter, SearchBudget
from qwop_wr.search.guide import Guide
from qwop_wr.search.lineage import Lineage
from qwop_wr.search.options import SearchOptions
from qwop_wr.search.proposals import propose_actions
from qwop_wr.search.result import Ending, SearchResult
from qwop_wr.search.selection import Selector
from qwop_wr.search.starts import Prefix, play_prefixes
from qwop_wr.search.stopwatch import Stopwatch
from qwop_wr.simulator.base import Simulator
from qwop_wr.simulator.constants import UNITS_PER_METRE
from qwop_wr.simulator.tape import Tape

Integers = NDArray[np.int64]

UNLIMITED = SearchBudget()


class Depth(NamedTuple):
    """All states that one depth tried, for someone who looks on.

    Attributes:
        simulator: Holds the states as its games ``0`` to ``n - 1`` and possibly more.
        running: Whether each is upright and goes on, shape (n,).
        kept: Games that the beam goes on from.
        actions: Action that led to each, shape (n,); state ``i`` is a clone of the
            ``i // k``-th of the states kept before, where k is the number of proposals.
    """

    simulator: Simulator
    running: NDArray[np.bool_]
    kept: Integers
    actions: Integers


Watcher = Callable[[Depth], None]
"""Called after every depth; must not change the games."""


class BeamSearch:
    """Searches a fast run: tries actions in every kept state and keeps the best results.

    Every state of a depth is tried with a few actions on clones of the game.
    Of the clones that run on, those with the best scores are kept. The first
    finish bounds the search: states that could only finish later are dropped.

    Args:
        guide: Proposes actions and values states.
        environment: How the game is played and what is earned; its starts are
            ignored, the search is told where to begin.
        options: Width, proposals and scoring.
    """

    def __init__(
        self, guide: Guide, environment: EnvironmentOptions, options: SearchOptions
    ) -> None:
        self._guide = guide
        self._environment = environment
        self._options = options

    def run(
        self,
        prefixes: Sequence[Prefix],
        seed: int | Sequence[int],
        budget: SearchBudget = UNLIMITED,
        stop: Callable[[], bool] | None = None,
        watch: Watcher | None = None,
    ) -> SearchResult:
        """Search from one or more starts.

        Args:
            prefixes: Keys per tick from a hard reset to each start. Start ``i``
                is in island ``i`` modulo their number; an island without a start
                shares another's.
            seed: Seed of the actions drawn.
            budget: Limits of this search.
            stop: Asked after every depth whether to stop early.
            watch: Looks on.

        Returns:
            The best run and what it cost.

        Raises:
            ValueError: If a prefix falls, there are more starts than the width
                has room for, the budget does not suffice for one depth, or
                nothing at all survives.
        """
        starts = play_prefixes(self._environment, prefixes, self._options.sink_height)
        race = _Race(self._guide, self._environment, self._options, starts, seed, budget)
        ending = race.play(stop, watch)
        place, actions = race.best_line()
        if not actions and not len(prefixes[place]):
            raise ValueError("no state survives the first decision; loosen the search's limits")
        per_decision = ACTION_SETS[self._environment.actions][actions]
        played = np.repeat(per_decision, self._environment.ticks_per_action)
        tape = Tape.record(
            np.concatenate([prefixes[place], played]).astype(np.uint8),
            self._environment.engine,
            platform=self._environment.platform,
        )
        if race.finish_ticks is not None and (tape.ticks, tape.finished) != (
            race.finish_ticks,
            True,
        ):
            raise RuntimeError(
                f"the run found finishes in tick {race.finish_ticks}, but its replay ends in "
                f"tick {tape.ticks}: the engine does not clone exactly"
            )
        return race.result(tape, ending)


class _Beam(NamedTuple):
    """States that a depth kept."""

    games: Integers
    observations: NDArray[np.float32]
    islands: Integers
    best: int


class _Race:
    """A search on its way.

    Games live in two simulators; each depth clones from one into the other.
    """

    def __init__(
        self,
        guide: Guide,
        environment: EnvironmentOptions,
        options: SearchOptions,
        starts: Simulator,
        seed: int | Sequence[int],
        budget: SearchBudget,
    ) -> None:
        self._guide, self._environment, self._options = guide, environment, options
        self._masks = ACTION_SETS[environment.actions]
        self._n_proposals = min(options.proposals, len(self._masks))
        self._rng = np.random.default_rng(seed)
        self._observer = Observer(environment.observation)
        self._selector = Selector(len(self._observer.features), options.islands, options.cell)
        self._stopwatch = Stopwatch()
        self._meter = BudgetMeter(budget)
        if budget.clones is not None and budget.clones < starts.n_games * self._n_proposals:
            raise ValueError(
                f"a budget of {budget.clones} clones does not suffice for one depth of "
                f"{starts.n_games} starts x {self._n_proposals} proposals"
            )
        self._now = self._next = starts
        self._beam, self._lineage = self._settle(starts)
        self.finish_ticks: int | None = None
        self._finish_line: tuple[int, list[int]] | None = None

    def _settle(self, starts: Simulator) -> tuple[_Beam, Lineage]:
        """Give every island its starts."""
        n, islands = starts.n_games, np.arange(self._options.islands)
        per_island = [
            np.arange(i, n, len(islands)) if i < n else np.array([i % n]) for i in islands
        ]
        if max(map(len, per_island)) > self._options.width // len(islands):
            raise ValueError(
                f"{n} starts do not fit into width {self._options.width} with "
                f"{len(islands)} islands"
            )
        origins = np.concatenate(per_island)
        observations = self._observer.observe(Snapshot.of(starts))[origins]
        membership = np.repeat(islands, [len(part) for part in per_island])
        return _Beam(origins, observations, membership, best=0), Lineage(origins)

    def play(self, stop: Callable[[], bool] | None, watch: Watcher | None) -> Ending:
        """Search until something ends it."""
        while True:
            if not self._descend(watch):
                return "finished" if self._finish_line else "nothing survived"
            if not self._meter.allows(len(self._beam.games) * self._n_proposals):
                return "finished" if self._finish_line else "budget used up"
            if stop is not None and stop():
                return "finished" if self._finish_line else "stopped"

    def best_line(self) -> tuple[int, list[int]]:
        """Start and actions of the best run."""
        return self._finish_line or self._lineage.trace(self._beam.best)

    def result(self, tape: Tape, ending: Ending) -> SearchResult:
        """Sum up."""
        seconds = self._meter.seconds
        parts = self._stopwatch.seconds
        return SearchResult(
            tape=tape,
            ending=ending,
            depths=len(self._lineage),
            clones=self._meter.clones,
            seconds=seconds,
            shares={name: spent / seconds for name, spent in parts.items()},
        )

    def _descend(self, watch: Watcher | None) -> bool:
        """Go one depth down; False if nothing survives, the beam then stays as it was."""
        part = self._stopwatch.part
        with part("policy"):
            actions = self._propose()  # (n_parents, k)
        n, k = len(self._beam.games), actions.shape[1]
        parents, actions = np.repeat(np.arange(n), k), actions.ravel()  # (n * k,)
        with part("clone"):
            self._next = self._room_for(n * k)
            self._next.copy_games(self._now, self._beam.games[parents], np.arange(n * k))
        with part("step"):
            keys = np.zeros(self._next.n_games, dtype=np.uint8)
            keys[: n * k] = self._masks[actions]
            self._next.step(keys, self._environment.ticks_per_action)
        with part("observe"):
            games = _first(Snapshot.of(self._next), n * k)
            observations = self._observer.observe(games)
        self._meter.clones += n * k
        self._note_finish(games, parents, actions)
        running = self._running(games)
        children = np.flatnonzero(running)
        seen = observations if running.all() else observations[children]
        with part("value"):
            scores = self._scores(games, seen, children)
        with part("select"):
            islands = self._beam.islands[parents]
            chosen = self._selector.select(scores, seen, islands[children], self._width(games))
            kept = children[chosen]
        if watch is not None:
            watch(Depth(self._next, running, kept, actions))
        if not len(kept):
            return False
        self._lineage.append(parents[kept], actions[kept])
        self._beam = _Beam(kept, observations[kept], islands[kept], int(scores[chosen].argmax()))
        self._now, self._next = self._next, self._now
        return True

    def _propose(self) -> Integers:
        rng = self._rng if self._options.sampling == "sample" else None
        logits = self._guide.logits(self._beam.observations)
        return propose_actions(logits, self._n_proposals, self._options.temperature, rng)

    def _room_for(self, n_games: int) -> Simulator:
        """The spare simulator, or a new one if that is too small or mostly idle."""
        spare = self._next
        if spare is not self._now and n_games <= spare.n_games < 2 * n_games:
            return spare
        return self._environment.make_games(n_games)

    def _width(self, games: Snapshot) -> int:
        opening = int(games.ticks.min()) < self._options.opening_ticks
        return self._options.width * (self._options.opening_factor if opening else 1)

    def _note_finish(self, games: Snapshot, parents: Integers, actions: Integers) -> None:
        finishers = np.flatnonzero(games.ended & games.landed)
        if not len(finishers):
            return
        first = finishers[games.ticks[finishers].argmin()]
        ticks = int(games.ticks[first])
        if self.finish_ticks is None or ticks < self.finish_ticks:
            start, line = self._lineage.trace(int(parents[first]))
            self.finish_ticks = ticks
            self._finish_line = (start, [*line, int(actions[first])])

    def _running(self, games: Snapshot) -> NDArray[np.bool_]:
        last = self._options.max_ticks if self.finish_ticks is None else self.finish_ticks - 1
        return ~games.ended & (games.torso_y <= self._options.sink_height) & (games.ticks < last)

    def _scores(
        self, games: Snapshot, seen: NDArray[np.float32], children: Integers
    ) -> NDArray[np.float64]:
        if not len(children):
            return np.zeros(0)
        earned = (
            self._environment.metre_reward * games.torso_x[children] / UNITS_PER_METRE
            - self._environment.tick_cost * games.ticks[children]
        )
        values = self._guide.values(seen).astype(np.float64)
        scores: NDArray[np.float64] = earned + self._options.value_weight * values
        return scores


def _first(games: Snapshot, n: int) -> Snapshot:
    return Snapshot._make(field[:n] for field in games)
