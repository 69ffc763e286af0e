"""Beam search over exact clones of the game."""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qwop_wr.envs import ACTION_SETS, EnvironmentOptions, Observer, Snapshot
from qwop_wr.envs.rewards import reward_rates
from qwop_wr.search.guide import Guide
from qwop_wr.search.options import SearchOptions
from qwop_wr.search.tapes import Prefix, play_prefixes
from qwop_wr.simulator.base import Integers, Simulator
from qwop_wr.simulator.constants import UNITS_PER_METRE
from qwop_wr.simulator.tape import Tape

Ending = Literal["finished", "budget used up", "stopped", "nothing survived"]


@dataclass(frozen=True)
class SearchResult:
    """The best run of a search and what it cost.

    Attributes:
        tape: The fastest finish; without one, the run to the best state of the
            last depth with survivors. It has been replayed.
        depths: Decisions searched from the starts on.
        clones: States tried.
        seconds: Wall-clock time of the search [s].
        shares: Share of the time by part of the work.
    """

    tape: Tape
    ending: Ending
    depths: int
    clones: int
    seconds: float
    shares: Mapping[str, float]


def propose_actions(
    logits: NDArray[np.floating],
    n_proposals: int,
    temperature: float,
    rng: np.random.Generator | None,
) -> NDArray[np.int64]:
    """Proposes different actions for every state.

    With a generator the actions are drawn without repetition from the softmax
    of the logits divided by the temperature: the largest of logits with Gumbel
    noise (https://arxiv.org/abs/1903.06059). Without one the best are taken.

    Args:
        logits: Shape (n, n_actions).
        n_proposals: Actions per state; all if there are fewer.

    Returns:
        Action indices, the first choice first, shape (n, n_proposals).
    """
    keys = logits.astype(np.float64) / temperature  # (n, n_actions)
    if rng is not None:
        keys += rng.gumbel(size=keys.shape)
    return np.argsort(-keys, axis=1, kind="stable")[:, :n_proposals]


class Selector:
    """Keeps the best states of every island, near-duplicates counted once.

    Args:
        n_islands: Number of islands, each with an equal share of the width.
        cell: States of an island whose observations round to the same multiples
            of this are duplicates; 0 keeps all.
    """

    def __init__(self, n_observations: int, n_islands: int, cell: float) -> None:
        self._n_islands = n_islands
        self._cell = cell
        # Hashes of cells: random linear functions modulo 2**64.
        hashing = np.random.default_rng(n_observations)
        self._factors = hashing.integers(1, 2**62, size=n_observations) * 2 + 1

    def select(
        self,
        scores: NDArray[np.float64],
        observations: NDArray[np.float32],
        islands: Integers,
        width: int,
    ) -> Integers:
        """Chooses the survivors.

        Args:
            scores: Higher is better, shape (n,).
            observations: Shape (n, d).
            islands: Island of every state, shape (n,).
            width: Largest number of survivors, all islands together.

        Returns:
            Indices of the survivors, island after island, best first.
        """
        share = width // self._n_islands
        order = np.argsort(-scores, kind="stable")
        if self._cell > 0:
            cells = self._cells(observations, islands)[order]
            _, first = np.unique(cells, return_index=True)
            order = order[np.sort(first)]
        if self._n_islands == 1:
            return order[:share]
        order = order[np.argsort(islands[order], kind="stable")]
        counts = np.bincount(islands[order], minlength=self._n_islands)
        ranks = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
        return order[ranks < share]

    def _cells(self, observations: NDArray[np.float32], islands: Integers) -> Integers:
        corners = np.rint(observations / self._cell).astype(np.int64)  # (n, d)
        hashes: Integers = corners @ self._factors + islands
        return hashes


class Lineage:
    """Parents and actions of the states that each depth kept.

    Args:
        starts: Index of the start that each state of depth 0 comes from, shape (n,).
    """

    def __init__(self, starts: NDArray[np.int64]) -> None:
        self._starts = starts
        self._parents: list[NDArray[np.int32]] = []
        self._actions: list[NDArray[np.uint8]] = []

    def __len__(self) -> int:
        """Number of depths recorded."""
        return len(self._parents)

    def append(self, parents: NDArray[np.int64], actions: NDArray[np.int64]) -> None:
        """Records a depth.

        Args:
            parents: Place of each kept state's parent in the depth before, shape (n,).
            actions: Action that led from there to the state, shape (n,).
        """
        self._parents.append(parents.astype(np.int32))
        self._actions.append(actions.astype(np.uint8))

    def trace(self, place: int) -> tuple[int, list[int]]:
        """Returns the start of a state of the latest depth, and the actions from there."""
        actions = []
        for parents, taken in zip(reversed(self._parents), reversed(self._actions), strict=True):
            actions.append(int(taken[place]))
            place = int(parents[place])
        return int(self._starts[place]), actions[::-1]


class Depth(NamedTuple):
    """All states that one depth tried, for callbacks.

    Attributes:
        simulator: Holds the states as its games ``0`` to ``n - 1`` and possibly more.
        running: Whether each is upright and running, shape (n,).
        kept: Games that the beam continues.
        actions: Action that led to each, shape (n,); state ``i`` is a clone of the
            ``i // k``-th of the states kept before, where k is the number of proposals.
    """

    simulator: Simulator
    running: NDArray[np.bool_]
    kept: Integers
    actions: Integers


Watcher = Callable[[Depth], None]
"""Callback after every depth; must not change the games."""


class BeamSearch:
    """Searches for a fast run: tries actions in every kept state and keeps the best results.

    Every state of a depth is tried with a few actions on clones of the game.
    Of the clones that run on, those with the best scores are kept. The first
    finish bounds the search: states that could only finish later are dropped.

    Args:
        environment: How the game is played and rewarded, without shaping. Its starts are
            ignored: ``run`` gets its own.
    """

    def __init__(
        self, guide: Guide, environment: EnvironmentOptions, options: SearchOptions
    ) -> None:
        self._guide = guide
        self._environment = environment
        self._options = options.for_engine(environment.engine)

    def run(
        self,
        prefixes: Sequence[Prefix],
        seed: int | Sequence[int],
        max_clones: int | None = None,
        stop: Callable[[], bool] | None = None,
        watch: Watcher | None = None,
    ) -> SearchResult:
        """Searches from one or more starts.

        Args:
            prefixes: Keys per tick from a hard reset to each start. Start ``i``
                is in island ``i`` modulo their number; an island without a start
                shares another's.
            seed: Seed of the actions drawn.
            max_clones: Largest number of states to try, all depths together.
            stop: Called after every depth; returns whether to stop early.
            watch: Callback after every depth.

        Raises:
            ValueError: If a prefix falls, there are more starts than the width
                has room for, ``max_clones`` does not suffice for one depth, or
                nothing at all survives.
        """
        starts = play_prefixes(self._environment, prefixes, self._options.sink_height)
        race = _Race(self._guide, self._environment, self._options, starts, seed, max_clones)
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
    games: Integers
    observations: NDArray[np.float32]
    islands: Integers
    best: int


class _Race:
    """A search in progress; each depth clones games from one simulator into the other."""

    def __init__(
        self,
        guide: Guide,
        environment: EnvironmentOptions,
        options: SearchOptions,
        starts: Simulator,
        seed: int | Sequence[int],
        max_clones: int | None,
    ) -> None:
        self._guide, self._environment, self._options = guide, environment, options
        self._rates = reward_rates(environment)
        self._masks = ACTION_SETS[environment.actions]
        self._n_proposals = min(options.proposals, len(self._masks))
        self._rng = np.random.default_rng(seed)
        self._observer = Observer(environment.observation)
        self._selector = Selector(len(self._observer.features), options.islands, options.cell)
        self._started, self._seconds = time.perf_counter(), defaultdict[str, float](float)
        self._clones, self._max_clones = 0, math.inf if max_clones is None else max_clones
        if self._max_clones < starts.n_games * self._n_proposals:
            raise ValueError(
                f"a budget of {max_clones} clones does not suffice for one depth of "
                f"{starts.n_games} starts x {self._n_proposals} proposals"
            )
        self._now = self._next = starts
        self._beam, self._lineage = self._settle(starts)
        self.finish_ticks: int | None = None
        self._finish_line: tuple[int, list[int]] | None = None

    def _settle(self, starts: Simulator) -> tuple[_Beam, Lineage]:
        """Assigns every island its starts."""
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
        while True:
            if not self._descend(watch):
                return "finished" if self._finish_line else "nothing survived"
            if self._clones + len(self._beam.games) * self._n_proposals > self._max_clones:
                return "finished" if self._finish_line else "budget used up"
            if stop is not None and stop():
                return "finished" if self._finish_line else "stopped"

    def best_line(self) -> tuple[int, list[int]]:
        """Returns start and actions of the best run."""
        return self._finish_line or self._lineage.trace(self._beam.best)

    def result(self, tape: Tape, ending: Ending) -> SearchResult:
        seconds = time.perf_counter() - self._started
        return SearchResult(
            tape=tape,
            ending=ending,
            depths=len(self._lineage),
            clones=self._clones,
            seconds=seconds,
            shares={name: spent / seconds for name, spent in self._seconds.items()},
        )

    @contextmanager
    def _part(self, name: str) -> Iterator[None]:
        """Adds the time of a block to a part of the work."""
        started = time.perf_counter()
        yield
        self._seconds[name] += time.perf_counter() - started

    def _descend(self, watch: Watcher | None) -> bool:
        """Searches one depth; returns False, with the beam unchanged, if nothing survives."""
        with self._part("policy"):
            actions = self._propose()  # (n_parents, k)
        n, k = len(self._beam.games), actions.shape[1]
        parents, actions = np.repeat(np.arange(n), k), actions.ravel()  # (n * k,)
        with self._part("clone"):
            self._next = self._room_for(n * k)
            self._next.copy_games(self._now, self._beam.games[parents], np.arange(n * k))
        with self._part("step"):
            keys = np.zeros(self._next.n_games, dtype=np.uint8)
            keys[: n * k] = self._masks[actions]
            self._next.step(keys, self._environment.ticks_per_action)
        with self._part("observe"):
            games = _first(Snapshot.of(self._next), n * k)
            observations = self._observer.observe(games)
        self._clones += n * k
        self._note_finish(games, parents, actions)
        running = self._running(games)
        children = np.flatnonzero(running)
        seen = observations if running.all() else observations[children]
        with self._part("value"):
            scores = self._scores(games, seen, children)
        with self._part("select"):
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
        """Returns the spare simulator, or a new one if that is too small or mostly idle."""
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
            self._rates.per_metre * games.torso_x[children] / UNITS_PER_METRE
            - self._rates.per_tick * games.ticks[children]
        )
        values = self._guide.values(seen).astype(np.float64)
        scores: NDArray[np.float64] = earned + self._options.value_weight * values
        return scores


def _first(games: Snapshot, n: int) -> Snapshot:
    return Snapshot._make(field[:n] for field in games)
