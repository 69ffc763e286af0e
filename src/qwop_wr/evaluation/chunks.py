"""Chunks of an evaluation: a few seeds, played as one batch, and the measurements on the way."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.rollout import Episodes, play_episodes
from qwop_wr.compute import WorkContext
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv
from qwop_wr.envs.shaping import KNEE_LIMIT, knee_heights
from qwop_wr.evaluation.episodes import (
    COLUMNS,
    SPLIT_COLUMNS,
    SPLIT_MARKS,
    farthest_run,
    fastest_finishes,
)
from qwop_wr.simulator.base import Floats
from qwop_wr.simulator.constants import CLOCK_STEP
from qwop_wr.simulator.keys import N_MASKS

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
