"""The two protocols: one run without noise, and one run per seed with it, in chunks of seeds."""

import hashlib
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.rollout import Episodes, play_episodes
from qwop_wr.compute import SERIAL, ComputeOptions, Job, WorkContext, run_job, settle
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv
from qwop_wr.envs.shaping import KNEE_LIMIT, knee_heights
from qwop_wr.evaluation.episodes import (
    COLUMNS,
    SPLIT_COLUMNS,
    SPLIT_MARKS,
    farthest_run,
    fastest_finishes,
)
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.simulator.base import Floats
from qwop_wr.simulator.constants import CLOCK_STEP
from qwop_wr.simulator.keys import N_MASKS
from qwop_wr.simulator.tape import Tape

_BLOCK: Final = 16
"""Batches are filled up to a multiple of this, because the last bits of a matrix product
depend on the number of its rows unless that is a multiple of the processor's lanes. A
run must depend on its seed alone, and one flipped bit makes another run."""

_KEYS_DOWN: Final = np.array([mask.bit_count() for mask in range(N_MASKS)])


class SplitTimes:
    """Reads the clock of every game after the decision in which it passed a mark.

    Attributes:
        clocks: Clock at each mark, NaN until it is passed [s], shape (n, marks).
    """

    def __init__(self, n_games: int) -> None:
        self.clocks: Floats = np.full((n_games, len(SPLIT_MARKS)), np.nan)

    def update(self, env: QwopVectorEnv, running: NDArray[np.bool_]) -> None:
        """Reads the clocks of the running games."""
        passed = env.simulator.score[:, None] >= np.array(SPLIT_MARKS)
        fresh = passed & running[:, None] & np.isnan(self.clocks)
        self.clocks = np.where(fresh, env.simulator.score_time[:, None], self.clocks)


class LowKnees:
    """Counts the decisions after which a knee was below :data:`KNEE_LIMIT`.

    Attributes:
        near: Those decisions, shape (n,).
        decisions: All decisions of each game, shape (n,).
    """

    def __init__(self, n_games: int) -> None:
        self.near = np.zeros(n_games, dtype=np.int64)
        self.decisions = np.zeros(n_games, dtype=np.int64)

    def update(self, env: QwopVectorEnv, running: NDArray[np.bool_]) -> None:
        """Counts a decision of the running games."""
        lowest = knee_heights(env.simulator.state).min(axis=1)
        self.near += running & (lowest < KNEE_LIMIT)
        self.decisions += running

    @property
    def fraction(self) -> Floats:
        """Share of the decisions, shape (n,)."""
        return self.near / np.maximum(self.decisions, 1)


@dataclass(frozen=True, eq=False)
class EvaluationTask:
    """What all chunks of an evaluation share.

    Attributes:
        game: Environment as the protocol plays it.
        protocol: Name of the protocol.
        tapes: Number of fastest finishes that become tapes.
    """

    agent: Agent
    game: EnvironmentOptions
    protocol: str
    tapes: int


@dataclass(frozen=True, eq=False)
class PlayedChunk:
    """The runs of a chunk.

    Attributes:
        episodes: A row per seed, with the columns of ``qwop_wr.evaluation.episodes``.
        keys: Masks per tick of the runs that may become tapes, by seed.
    """

    episodes: pd.DataFrame
    keys: Mapping[int, NDArray[np.uint8]]


def play_chunk(
    task: EvaluationTask, seeds: Sequence[int], context: WorkContext | None = None
) -> PlayedChunk:
    """Plays some seeds of an evaluation; a seed's run depends on that seed alone."""
    env = QwopVectorEnv(-(-len(seeds) // _BLOCK) * _BLOCK, task.game, autoreset=False)
    splits, knees = SplitTimes(env.num_envs), LowKnees(env.num_envs)

    def measure(_: VectorEnv[Any, Any, Any], __: int) -> None:
        # The simulator keeps running games that were stopped for their length.
        running = env.last_ticks > 0
        splits.update(env, running)
        knees.update(env, running)

    played = play_episodes(task.agent.policy(), env, seeds, on_step=measure, record_keys=True)
    keys = played.keys or ()
    table = pd.DataFrame(
        {
            "protocol": task.protocol,
            "agent": task.agent.fingerprint,
            "seed": played.seeds,
            "finished": played.finished,
            "end": _ends(played),
            "ticks": played.ticks,
            "score_time": played.score_time,
            "distance": played.distance,
            "idle_ticks": played.idle_ticks,
            "decisions": played.length,
            "knee_near_ground": knees.fraction[: len(seeds)],
            "key_presses_per_second": [_presses(run) / (len(run) * CLOCK_STEP) for run in keys],
            "trajectory": [hashlib.sha256(run.tobytes()).hexdigest() for run in keys],
        }
    )
    table[list(SPLIT_COLUMNS)] = splits.clocks[: len(seeds)]
    table = table[list(COLUMNS)]
    places = {int(seed): place for place, seed in enumerate(seeds)}
    kept = {*worth_keeping(table, task.tapes).values(), _farthest(table)}
    return PlayedChunk(table, {seed: keys[places[seed]] for seed in kept})


def worth_keeping(episodes: pd.DataFrame, tapes: int) -> dict[str, int]:
    """Chooses the runs that become tapes, at most ``tapes`` distinct finishes.

    A run chosen among all seeds is also chosen among any part that includes it.

    Returns:
        Seeds by name: ``fastest_01`` and so on, or ``farthest`` if none finished.
    """
    if not episodes["finished"].any():
        return {"farthest": _farthest(episodes)}
    fastest = fastest_finishes(episodes)[:tapes]
    seeds = episodes["seed"]
    return {f"fastest_{rank:02d}": int(seeds[row]) for rank, row in enumerate(fastest, start=1)}


def describe_seeds(seeds: Sequence[int]) -> str:
    """Names a chunk, for instance ``seeds 10025 to 10049``."""
    return f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]} to {seeds[-1]}"


def _farthest(episodes: pd.DataFrame) -> int:
    return int(episodes["seed"][farthest_run(episodes)])


def _ends(played: Episodes) -> NDArray[np.str_]:
    return np.select([played.finished, played.fallen], ["finish", "fall"], "timeout")


def _presses(keys: NDArray[np.uint8]) -> int:
    before = np.concatenate([np.zeros(1, dtype=np.uint8), keys[:-1]])
    return int(_KEYS_DOWN[keys & ~before].sum())


BATCH: Final = 512
"""Seeds that this process plays at a time; more would only take memory."""

SEED_SECONDS: Final = 0.015
"""Approximate time of one core per seed [s]: docs/cluster.md."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The runs of a protocol.

    Attributes:
        episodes: One row per run, with the columns of ``qwop_wr.evaluation.episodes``.
        tapes: The runs kept as tapes, by name; each was replayed when it was made.
    """

    episodes: pd.DataFrame
    tapes: Mapping[str, Tape]


def evaluate_agent(
    agent: Agent,
    environment: EnvironmentOptions,
    options: EvaluationOptions,
    compute: ComputeOptions = SERIAL,
) -> Evaluation:
    """Runs the randomised protocol: one deterministic agent, one noisy game per seed.

    Args:
        environment: Environment that the agent acts in. Its learning rules do not apply: no
            run is ended because the torso sinks, and noise and length are the options'.
        compute: Where the games are played; the result does not depend on it.

    Returns:
        A row per seed, and the fastest distinct finishes as ``fastest_01`` and so on, or
        the farthest run as ``farthest`` if none finished.

    Raises:
        ValueError: If the agent was made for another environment.
        RuntimeError: If a tape does not replay to the run recorded.
        ItemError: If a chunk of seeds could not be played.
    """
    agent.check_interface(environment.interface)
    compute = settle(compute, "evaluation", SEED_SECONDS * options.seeds)
    noisy = randomised_options(environment, options)
    task = EvaluationTask(agent, noisy, "randomised", options.tapes)
    job = Job("evaluation", play_chunk, task, describe_seeds, unit="chunks")
    size = BATCH if compute.backend == "serial" else compute.seeds_per_chunk
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    chunks = [seeds[first : first + size] for first in range(0, len(seeds), size)]
    tables, keys = [], dict[int, NDArray[np.uint8]]()
    for played in run_job(job, chunks, compute, progress=len(chunks) > 1):
        tables.append(played.value.episodes)
        keys |= played.value.keys
    episodes = pd.concat(tables, ignore_index=True)
    rows = {int(row["seed"]): row for row in episodes.to_dict("records")}
    kept = worth_keeping(episodes, options.tapes)
    tapes = {name: _tape(rows[seed], keys[seed], environment) for name, seed in kept.items()}
    return Evaluation(episodes, tapes)


def evaluate_without_noise(
    agent: Agent, environment: EnvironmentOptions, options: EvaluationOptions
) -> Evaluation:
    """Runs the protocol ``native``: one hard reset and no noise, hence one run and one tape.

    Of the options only the length of a run applies.

    Raises:
        ValueError: If the agent was made for another environment.
        RuntimeError: If the tape does not replay to the run recorded.
    """
    agent.check_interface(environment.interface)
    quiet = _game(environment, options, idle_ticks=0, sticky=0.0)
    played = play_chunk(EvaluationTask(agent, quiet, "native", tapes=1), [0])
    (row,) = played.episodes.to_dict("records")
    tape = _tape(row, played.keys[0], environment)
    return Evaluation(played.episodes, {"native": tape})


def randomised_options(
    environment: EnvironmentOptions, options: EvaluationOptions
) -> EnvironmentOptions:
    """Returns an environment's options with the protocol's noise and length, without early ends."""
    return _game(environment, options, idle_ticks=options.idle_ticks, sticky=options.sticky)


def _game(
    environment: EnvironmentOptions, options: EvaluationOptions, idle_ticks: int, sticky: float
) -> EnvironmentOptions:
    changes = {
        "idle_ticks": idle_ticks,
        "sticky": sticky,
        "max_ticks": options.max_ticks,
        "sink_height": None,
        "shaping": None,
        "velocity": None,
    }
    return EnvironmentOptions.model_validate({**environment.model_dump(), **changes})


def _tape(
    row: Mapping[Hashable, Any], keys: NDArray[np.uint8], environment: EnvironmentOptions
) -> Tape:
    meta = {
        "protocol": str(row["protocol"]),
        "agent": str(row["agent"]),
        "seed": int(row["seed"]),
        "idle_ticks": int(row["idle_ticks"]),
    }
    tape = Tape.record(keys, environment.engine, meta, environment.platform)
    seen = (bool(row["finished"]), int(row["ticks"]), float(row["score_time"]))
    if (tape.finished, tape.ticks, tape.score_time) != seen:
        raise RuntimeError(
            f"seed {row['seed']}: finished, ticks and time were {seen}, but its keys replay to "
            f"{(tape.finished, tape.ticks, tape.score_time)} on engine {environment.engine!r}"
        )
    return tape
