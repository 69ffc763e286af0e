"""Many searches in parallel."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qwop_wr.compute import SERIAL, ComputeOptions, Finished, Job, WorkContext, run_job, settle
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.search.beam import BeamSearch, Depth, SearchResult
from qwop_wr.search.guide import Guide
from qwop_wr.search.options import USUAL_TICKS, SearchOptions
from qwop_wr.search.tapes import Prefix
from qwop_wr.simulator.constants import UNITS_PER_METRE
from qwop_wr.stopping import stop_requested


@dataclass(frozen=True, eq=False)
class Target:
    """A run that a search has to keep up with.

    Attributes:
        metres: Position of the torso before every tick [m], shape (ticks,).
        lag: A search is behind if its foremost state is so many ticks behind.
    """

    metres: NDArray[np.float64]
    lag: int


class KeepingUp:
    """Callback of a search, its ``watch``, that checks whether it is behind the target.

    Attributes:
        is_behind: Whether every state kept at the latest depth is too far behind.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self.is_behind = False

    def __call__(self, depth: Depth) -> None:
        """Checks a depth; see ``Watcher``."""
        if not len(depth.kept):
            return
        metres = depth.simulator.state[depth.kept, 0, 0] / UNITS_PER_METRE
        then = depth.simulator.ticks[depth.kept] - self._target.lag
        expected = self._target.metres[then.clip(0, len(self._target.metres) - 1)]
        self.is_behind = bool((metres < expected).all())


CLONES_PER_SECOND: Final = 100_000
"""Approximate number of states that one core tries [1/s]: benchmarks/README.md."""


@dataclass(frozen=True)
class Search:
    """A search to be made.

    Attributes:
        prefixes: Keys per tick from a hard reset to each start.
        options: How to search.
        seed: Seed of the actions drawn.
        guide: Index of the guide to follow.
        max_clones: Largest number of states to try.
        deadline: When to stop, by the clock of the machine that searches [s since 1970].
        target: Run to keep up with.
    """

    prefixes: Sequence[Prefix]
    options: SearchOptions
    seed: int | Sequence[int]
    guide: int = 0
    max_clones: int | None = None
    deadline: float | None = None
    target: Target | None = None


@dataclass(frozen=True)
class _Common:
    guides: Sequence[Guide]
    environment: EnvironmentOptions


def run_searches(
    guides: Sequence[Guide],
    environment: EnvironmentOptions,
    searches: Sequence[Search],
    compute: ComputeOptions = SERIAL,
) -> Iterator[Finished[SearchResult]]:
    """Runs independent searches in parallel and yields results in their order.

    In this process threads suffice, as engine and networks compute without the
    interpreter's lock. Results depend neither on the number of threads nor on the
    backend. If the caller leaves, running searches are stopped.

    Raises:
        ItemError: If a search has failed; names its seed.
    """
    depths = USUAL_TICKS / environment.ticks_per_action
    clones = sum(depths * one.options.width * one.options.proposals for one in searches)
    job = Job(
        "searches", _search, _Common(guides, environment), _describe, "searches", threads=True
    )
    where = settle(compute, "searches", clones / CLONES_PER_SECOND)
    yield from run_job(job, searches, where, progress=False)


def _search(common: _Common, search: Search, context: WorkContext) -> SearchResult:
    beam = BeamSearch(common.guides[search.guide], common.environment, search.options)
    keeping_up = KeepingUp(search.target) if search.target is not None else None

    def stop() -> bool:
        is_late = search.deadline is not None and time.time() >= search.deadline
        unwanted = context.stopped() or (context.in_process and stop_requested())
        return is_late or unwanted or (keeping_up is not None and keeping_up.is_behind)

    return beam.run(search.prefixes, search.seed, search.max_clones, stop, keeping_up)


def _describe(search: Search) -> str:
    return f"seed {search.seed}"
