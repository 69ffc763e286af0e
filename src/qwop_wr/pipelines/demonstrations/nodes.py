"""Nodes that collect demonstrations: from the expert, from searches and from files."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from kedro.io import DatasetError
from numpy.typing import NDArray
from pydantic import Field
from tqdm import tqdm

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.rollout import Episodes, play_episodes
from qwop_wr.agents.transitions import Transitions, joined
from qwop_wr.datasets import Recording
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv
from qwop_wr.errors import BadInputError
from qwop_wr.evaluation.options import Seed
from qwop_wr.options import Options
from qwop_wr.pipelines.games import GamesOptions
from qwop_wr.pipelines.inputs import checking
from qwop_wr.search import AgentGuide, SearchOptions
from qwop_wr.search.parallel import Search, run_searches
from qwop_wr.search.tapes import decisions_of, idle_prefix, replay_transitions
from qwop_wr.simulator import SLOW_CLONES
from qwop_wr.simulator.tape import Tape, TapeError, verify_tape

logger = logging.getLogger(__name__)


class ExpertRunsOptions(Options):
    """Runs of the expert."""

    episodes: int = Field(ge=0, le=10_000)
    """Number of episodes to play; 0 leaves the source out."""
    first_seed: Seed
    """Seed of the first episode; the others count up from it."""
    deterministic: bool
    """Take the expert's best action instead of sampling from its policy."""
    finished_only: bool
    """Leave out episodes that did not finish."""


class SearchRunsOptions(Options):
    """Runs found by beam searches."""

    runs: int = Field(ge=0, le=1000)
    """Number of searches; 0 leaves the source out."""
    idle_ticks: int = Field(default=30, ge=0, le=600)
    """Most ticks that a run waits at the start, for variety."""
    search: SearchOptions = SearchOptions(width=32)
    """How to search."""


class FileRunsOptions(Options):
    """Tapes and recordings from files."""

    folder: bool
    """Take the tapes in the folder of ``demonstration_tapes``."""
    record: bool
    """Take the record tape."""
    finished_only: bool = True
    """Leave out tapes that do not finish."""
    recordings: bool = True
    """Take the recordings in the folder of ``demonstration_recordings``."""


@dataclass(frozen=True, eq=False)
class Demonstrations:
    """Runs of one source.

    Attributes:
        transitions: Their decisions; None if there are no runs.
        facts: Source and statistics, by name.
    """

    transitions: Transitions | None
    facts: Mapping[str, Any]


NOTHING = Demonstrations(None, {})
"""A source that is left out."""


def demonstrate_with_expert(
    expert: Agent,
    environment: EnvironmentOptions,
    games: GamesOptions,
    options: ExpertRunsOptions,
) -> Demonstrations:
    """Record every decision of the expert's runs, as far as their keys replay to the tick.

    Raises:
        BadInputError: If the expert was made for another environment.
    """
    if not options.episodes:
        return NOTHING
    with checking("expert_agent"):
        expert.check_interface(environment.interface)
    seeds = range(options.first_seed, options.first_seed + options.episodes)
    episodes = play_episodes(
        expert.policy(),
        QwopVectorEnv(games.n_games, games.environment(environment), autoreset=False),
        seeds,
        deterministic=options.deterministic,
        rng=np.random.default_rng(options.first_seed),
        record=True,
    )
    replayed = _replays(episodes, environment)
    kept = replayed & episodes.finished if options.finished_only else replayed
    finished = episodes.finished & kept
    transitions = None
    if episodes.transitions is not None and kept.any():
        transitions = episodes.transitions.select(np.flatnonzero(kept))
    return Demonstrations(
        transitions,
        {
            "agent": expert.fingerprint,
            "played": len(kept),
            "not_replayed": int((~replayed).sum()),
            "episodes": int(kept.sum()),
            "successes": int(finished.sum()),
            "transitions": 0 if transitions is None else len(transitions),
            **_describe_times(episodes.score_time[finished]),
        },
    )


def demonstrate_with_search(
    guides: Mapping[str, Agent],
    expert: Agent,
    environment: EnvironmentOptions,
    games: GamesOptions,
    options: SearchRunsOptions,
    seed: Seed,
) -> Demonstrations:
    """Record fast runs found by narrow beam searches, none on an engine whose clones are slow.

    Args:
        expert: Guides the searches if there are no guides.
        environment: Environment that all pipelines share; the searches run in it.
        games: Games whose rewards are recorded.

    Raises:
        BadInputError: If a guide was made for another environment.
    """
    if not options.runs or environment.engine in SLOW_CLONES:
        return NOTHING
    with checking("guide_agents"):
        guide = AgentGuide([guides[name] for name in sorted(guides)] or [expert], environment)
    rng = np.random.default_rng(seed)
    idle_ticks = rng.integers(options.idle_ticks, size=options.runs, endpoint=True)
    searches = [
        Search([idle_prefix(int(ticks))], options.search, [seed, number])
        for number, ticks in enumerate(idle_ticks)
    ]
    done = run_searches([guide], environment, searches)
    shown = tqdm(done, desc="searches", unit=" runs", total=options.runs)
    tapes = [search.value.tape for search in shown]
    finished = [tape for tape in tapes if tape.finished]
    return _from_tapes(finished, games.environment(environment), played=len(tapes))


def demonstrate_from_files(
    tapes: Mapping[str, Tape],
    record: Tape | None,
    environment: EnvironmentOptions,
    games: GamesOptions,
    options: FileRunsOptions,
) -> Demonstrations:
    """Record the runs of tapes whose claims are true; others are skipped with a warning.

    Args:
        environment: Environment whose decisions the runs must consist of.
        games: Games whose rewards are recorded.
    """
    chosen = dict(tapes) if options.folder else {}
    if options.record and record is not None:
        chosen["the record"] = record
    usable = []
    for name, tape in chosen.items():
        try:
            verify_tape(tape, environment.engine, environment.platform)
            decisions_of(tape, environment)
        except (TapeError, ValueError) as error:
            logger.warning("The tape %s is left out: %s", name, error)
            continue
        if options.finished_only and not tape.finished:
            logger.warning("The tape %s is left out: it does not finish", name)
            continue
        usable.append(tape)
    return _from_tapes(usable, games.environment(environment), offered=len(chosen))


def demonstrate_from_recordings(
    recordings: Mapping[str, Callable[[], Recording]],
    environment: EnvironmentOptions,
    options: FileRunsOptions,
) -> Demonstrations:
    """Collect runs from recordings; those of another environment are skipped with a warning.

    Args:
        recordings: Recordings by name, as ``qwop import`` wrote them.
    """
    parts = []
    for name, load in sorted(recordings.items()) if options.recordings else ():
        try:
            parts.append(load().transitions_for(environment.interface))
        except (DatasetError, ValueError) as error:
            logger.warning("The recording %s is left out: %s", name, error)
    if not parts:
        return Demonstrations(None, {"episodes": 0, "offered": len(recordings)})
    transitions = joined(parts)
    facts = {"episodes": transitions.n_episodes, "transitions": len(transitions)}
    return Demonstrations(transitions, {**facts, "offered": len(recordings)})


def merge_demonstrations(
    expert: Demonstrations,
    search: Demonstrations,
    files: Demonstrations,
    recordings: Demonstrations,
    environment: EnvironmentOptions,
) -> tuple[Recording, dict[str, Any]]:
    """Merge the runs of all sources.

    Returns:
        The recorded transitions, and a summary in total and per source.

    Raises:
        BadInputError: If there is no run at all.
    """
    sources = {
        "expert": expert,
        "search": search,
        "files": files,
        "recordings": recordings,
    }
    parts = [source.transitions for source in sources.values() if source.transitions is not None]
    if not parts:
        raise BadInputError(
            "there are no demonstrations: no run of the expert, of searches or from files is "
            "left; train a better expert (kedro run --pipeline=expert), raise "
            "demonstrations.expert.episodes or demonstrations.search.runs, or set "
            "demonstrations.expert.finished_only to false"
        )
    transitions = joined(parts)
    summary: dict[str, Any] = {
        "episodes": transitions.n_episodes,
        "transitions": len(transitions),
    }
    for name, source in sources.items():
        summary.update({f"{name}_{fact}": value for fact, value in source.facts.items()})
    return Recording(transitions, environment.interface), summary


def _replays(episodes: Episodes, environment: EnvironmentOptions) -> NDArray[np.bool_]:
    """Whether replaying each episode's keys gives the same end, shape (n,)."""
    assert episodes.keys is not None  # noqa: S101 - our games record their keys
    lengths = np.array([len(keys) for keys in episodes.keys])
    held = np.zeros((int(lengths.max()), len(lengths)), dtype=np.uint8)  # (ticks, n)
    for place, keys in enumerate(episodes.keys):
        held[: len(keys), place] = keys
    games = environment.make_games(len(lengths))
    ticks, finished = lengths.copy(), np.zeros(len(lengths), dtype=np.bool_)
    running = np.ones(len(lengths), dtype=np.bool_)
    for tick, keys in enumerate(held, start=1):
        games.step(keys)
        over = running & (games.ended | (tick == lengths))
        ticks[over], finished[over] = tick, games.landed[over]
        running &= ~over
    same: NDArray[np.bool_] = (ticks == episodes.ticks) & (finished == episodes.finished)
    return same


def _from_tapes(
    tapes: Sequence[Tape], environment: EnvironmentOptions, **facts: object
) -> Demonstrations:
    """Replay tapes and record their decisions."""
    if not tapes:
        return Demonstrations(None, {"episodes": 0, **facts})
    transitions = replay_transitions(tapes, environment)
    times = np.array([tape.score_time for tape in tapes if tape.finished])
    return Demonstrations(
        transitions,
        {
            "episodes": len(tapes),
            "successes": sum(tape.finished for tape in tapes),
            "transitions": len(transitions),
            **_describe_times(times),
            **facts,
        },
    )


def _describe_times(times: NDArray[np.float64]) -> dict[str, float | None]:
    """Summarise clock times [s]; None where there are none."""
    if not len(times):
        return {"best_time": None, "median_time": None}
    return {"best_time": float(times.min()), "median_time": float(np.median(times))}
