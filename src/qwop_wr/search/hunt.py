"""The hunt for the fastest run: rounds of searches that continue the best runs so far."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from qwop_wr.compute import SERIAL, ComputeOptions, connected
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.options import Options
from qwop_wr.search.beam import SearchResult
from qwop_wr.search.guide import Guide
from qwop_wr.search.options import RoundBudget, SearchOptions, WorkClock
from qwop_wr.search.parallel import Search, Target, run_searches
from qwop_wr.search.tapes import Prefix, idle_prefix
from qwop_wr.simulator.constants import CLOCK_STEP, UNITS_PER_METRE
from qwop_wr.simulator.tape import Tape
from qwop_wr.stopping import stop_requested


@dataclass(frozen=True, eq=False)
class ReplayedRun:
    """A finished run with its positions.

    Attributes:
        metres: Position of the torso before every tick [m], shape (ticks,).
        heights: Its height before every tick [units, down], shape (ticks,).
    """

    tape: Tape
    metres: NDArray[np.float64]
    heights: NDArray[np.float64]

    @classmethod
    def replay(cls, tape: Tape) -> "ReplayedRun":
        """Replays a tape to get its positions."""
        game = tape.simulator()
        torso = np.empty((tape.ticks, 2))
        for tick, mask in enumerate(tape.per_tick_keys):
            torso[tick] = game.state[0, 0, :2]
            game.step(np.array([mask], dtype=np.uint8))
        return cls(tape, torso[:, 0] / UNITS_PER_METRE, torso[:, 1])

    def prefix(self, metres: float, multiple: int) -> tuple[Prefix, float]:
        """Cuts the run where it first reaches a position.

        Args:
            metres: Position of the torso [m].
            multiple: The cut is after a multiple of so many ticks, to keep decisions whole.

        Returns:
            The keys until then, and the torso's height there.
        """
        reached = self.metres >= metres
        tick = int(reached.argmax()) if reached.any() else len(reached) - 1
        tick -= tick % multiple
        return self.tape.per_tick_keys[:tick], float(self.heights[tick])


class Archive:
    """The fastest different runs, fastest first.

    Args:
        size: Largest number of runs.
        tapes: Runs to begin with; those that did not finish are left out.
    """

    def __init__(self, size: int, tapes: Sequence[Tape] = ()) -> None:
        self._size = size
        self.runs: list[ReplayedRun] = []
        for tape in tapes:
            self.add(tape)

    @property
    def best(self) -> Tape | None:
        """The fastest run, if there is any."""
        return self.runs[0].tape if self.runs else None

    def add(self, tape: Tape) -> bool:
        """Adds a run if it is fast enough and new; returns whether it is the fastest so far."""
        ends = {run.tape.state_sha256 for run in self.runs}
        if not tape.finished or tape.state_sha256 in ends:
            return False
        is_best = self.best is None or tape.rank < self.best.rank
        if len(self.runs) < self._size or tape.rank < self.runs[-1].tape.rank:
            self.runs.append(ReplayedRun.replay(tape))
            self.runs.sort(key=lambda run: run.tape.rank)
            del self.runs[self._size :]
        return is_best


WHOLE: Final = "whole"
"""Kind of a search that begins at the start line."""

Range = tuple[float, float]


class Section(Options):
    """A part of the track in which searches continue earlier runs."""

    metres: Range
    """Range of the positions at which searches begin [m]."""
    value_weights: Range | None = None
    """Range of the value weights; the hunt's if omitted."""


class HuntOptions(Options):
    """Which searches a hunt makes.

    Rounds have a fixed number of searches, so that results do not depend on the number of
    cores. In every round the beam is twice as wide as in the one before, as far as the
    budget allows.
    """

    budget: RoundBudget
    """How long to hunt."""
    first_width: PositiveInt = 64
    """Width of the first round's beams."""
    max_width: PositiveInt = 2048
    """Largest width."""
    whole_runs: NonNegativeInt = 2
    """Searches per round that begin at the start line."""
    branches: NonNegativeInt = 2
    """Searches per round that continue earlier runs, once there are any."""
    value_weights: Range = (0.55, 0.85)
    """Range from which every search draws its value weight."""
    sections: Mapping[str, Section] = {"anywhere": Section(metres=(5.0, 95.0))}
    """Where branches begin, by name; each draws one section."""
    idle_ticks: int = Field(default=4, ge=0, le=600)
    """Largest number of ticks that a whole run waits before its first action, for variety; in
    whole decisions, so that an agent could have made the run."""
    give_up_seconds: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """A search ends when its foremost state is so far behind the best run known when its
    round began [s]; None: never. That run is the same for all searches of a round, so that
    results do not depend on the order in which they end."""
    archive: PositiveInt = 12
    """Runs kept for branches to continue."""
    search: SearchOptions = SearchOptions()
    """All other options of the searches; width and value weight are overridden."""

    @model_validator(mode="after")
    def _has_something_to_do(self) -> "HuntOptions":
        if self.whole_runs == 0 and self.branches == 0:
            raise ValueError("a round of a hunt needs whole_runs, branches or both")
        if self.branches and not self.sections:
            raise ValueError("branches need at least one of sections to begin in")
        if self.max_width < self.first_width:
            raise ValueError(f"max_width {self.max_width} is below first_width {self.first_width}")
        return self


@dataclass(frozen=True)
class HuntStep:
    """A search that has ended.

    Attributes:
        kind: Section of the track in which it began, or ``whole``.
        width: Width of its beam.
        best: Fastest run so far, including those given to the hunt.
        improved: Whether this search found it.
        searches: Searches so far, like ``clones``.
        seconds: Time since the hunt began [s].
        core_seconds: Processor time since then, all cores together [s].
    """

    kind: str
    width: int
    result: SearchResult
    best: Tape | None
    improved: bool
    searches: int
    clones: int
    seconds: float
    core_seconds: float


@dataclass(frozen=True)
class _Plan:
    """One search of a round."""

    kind: str
    search: Search


class RecordHunt:
    """Plans rounds of searches, runs them in parallel and keeps the fastest runs."""

    def __init__(
        self,
        guides: Sequence[Guide],
        environment: EnvironmentOptions,
        options: HuntOptions,
        seed: int,
    ) -> None:
        self._guides = guides
        self._environment = environment
        self._options = options
        self._seed = seed

    def run(
        self, tapes: Sequence[Tape] = (), compute: ComputeOptions = SERIAL
    ) -> Iterator[HuntStep]:
        """Hunts until the budget is used up or a stop is requested; yields after every search.

        Results do not depend on ``compute``; ``tapes`` are known runs to continue.
        """
        with connected(compute):
            yield from self._rounds(tapes, compute)

    def _rounds(self, tapes: Sequence[Tape], compute: ComputeOptions) -> Iterator[HuntStep]:
        budget, clock = self._options.budget, WorkClock()
        archive = Archive(self._options.archive, tapes)
        # A hunt that continues from a better run must not repeat the searches before.
        entropy = [self._seed, int(archive.best.state_sha256[:8], 16) if archive.best else 0]
        width, searches, clones, round_number = self._options.first_width, 0, 0, 0
        core_seconds = 0.0
        while (
            not (clock.seconds >= budget.seconds or stop_requested())
            and round_number != budget.rounds
        ):
            began = clock.seconds
            plans = self._plan(archive, width, [*entropy, round_number])
            tasks = self._tasks(plans, archive, budget.seconds - began)
            done = run_searches(self._guides, self._environment, tasks, compute)
            for plan, finished in zip(plans, done, strict=True):
                result, core_seconds = finished.value, core_seconds + finished.core_seconds
                found = replace(result.tape, meta=self._origin(plan, round_number))
                improved = archive.add(found)
                searches, clones = searches + 1, clones + result.clones
                yield HuntStep(
                    plan.kind,
                    width,
                    result,
                    archive.best,
                    improved,
                    searches,
                    clones,
                    clock.seconds,
                    clock.core_seconds + core_seconds,
                )
                if stop_requested() and compute.backend != "serial":
                    # Searches elsewhere do not hear of it; leaving ends them.
                    return
            width = self._next_width(width, clock.seconds - began, budget.seconds - clock.seconds)
            round_number += 1

    def _next_width(self, width: int, spent: float, left: float) -> int:
        if 2 * spent <= left:
            return min(2 * width, self._options.max_width)
        return width if spent <= left else max(width // 2, self._options.first_width)

    def _plan(self, archive: Archive, width: int, entropy: list[int]) -> list[_Plan]:
        rng = np.random.default_rng(entropy)
        kinds = [WHOLE] * self._options.whole_runs
        if archive.runs or not kinds:
            names = sorted(self._options.sections)
            kinds += [names[i] for i in rng.integers(len(names), size=self._options.branches)]
        return [
            self._search(kind, archive, width, [*entropy, place], rng)
            for place, kind in enumerate(kinds)
        ]

    def _search(
        self, kind: str, archive: Archive, width: int, seed: list[int], rng: np.random.Generator
    ) -> _Plan:
        options = self._options
        per_decision = self._environment.ticks_per_action
        waits = int(rng.integers(options.idle_ticks // per_decision, endpoint=True))
        prefixes = [idle_prefix(waits * per_decision)]
        weights = options.value_weights
        if kind != WHOLE:
            section = options.sections[kind]
            prefixes = self._branches(archive, float(rng.uniform(*section.metres)), width)
            weights = section.value_weights or weights
        weight = float(rng.uniform(*weights))
        changes = {"width": width, "value_weight": weight}
        search = SearchOptions.model_validate({**options.search.model_dump(), **changes})
        guide = int(rng.integers(len(self._guides)))
        return _Plan(kind, Search(prefixes, search, seed, guide))

    def _branches(self, archive: Archive, metres: float, width: int) -> list[Prefix]:
        """Cuts all runs of the archive at one place; the beam finds the best continuation."""
        cuts = [run.prefix(metres, self._environment.ticks_per_action) for run in archive.runs]
        upright = [keys for keys, height in cuts if height <= self._options.search.sink_height]
        room = width // self._options.search.islands
        return upright[:room] or [idle_prefix(0)]

    def _tasks(self, plans: Sequence[_Plan], archive: Archive, seconds: float) -> list[Search]:
        """Adds the deadline and the run to keep up with to the searches of a round."""
        deadline = None if np.isinf(seconds) else time.time() + seconds
        target, give_up = None, self._options.give_up_seconds
        if give_up is not None and archive.runs:
            target = Target(archive.runs[0].metres, round(give_up / CLOCK_STEP))
        return [replace(plan.search, deadline=deadline, target=target) for plan in plans]

    def _origin(self, plan: _Plan, round_number: int) -> dict[str, object]:
        return {
            "made_by": "record_hunt",
            "seed": self._seed,
            "round": round_number,
            "kind": plan.kind,
            "search": plan.search.options.model_dump(mode="json"),
        }
