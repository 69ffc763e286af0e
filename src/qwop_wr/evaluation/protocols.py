"""The two protocols: one run without noise, and one run per seed with it."""

import hashlib
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.rollout import Episodes, play_episodes
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv
from qwop_wr.evaluation.episodes import (
    COLUMNS,
    SPLIT_COLUMNS,
    farthest_run,
    fastest_finishes,
)
from qwop_wr.evaluation.observers import KneeWatch, Observers, SplitClock
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.simulator.constants import CLOCK_STEP
from qwop_wr.simulator.keys import N_MASKS
from qwop_wr.simulator.tape import Tape

_BLOCK: Final = 16
"""Batches are filled up to a multiple of this, because the last bits of a matrix product
depend on the number of its rows unless that is a multiple of the processor's lanes. A
run must depend on its seed alone, and one flipped bit makes another run."""

_KEYS_DOWN: Final = np.array([mask.bit_count() for mask in range(N_MASKS)])


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What came of a protocol.

    Attributes:
        episodes: One row per run, with the columns of ``qwop_wr.evaluation.episodes``.
        tapes: The runs worth keeping, by name; each was replayed when it was made.
    """

    episodes: pd.DataFrame
    tapes: Mapping[str, Tape]


def evaluate_agent(
    agent: Agent, environment: EnvironmentOptions, options: EvaluationOptions
) -> Evaluation:
    """Run the randomised protocol: one deterministic agent, one noisy game per seed.

    Args:
        agent: Agent to evaluate.
        environment: Environment it acts in. Its rules for learning do not count here: no
            run is ended because the torso sinks, and noise and length are the options'.
        options: The protocol.

    Returns:
        A row per seed, and the fastest distinct finishes as ``fastest_01`` and so on, or
        the farthest run as ``farthest`` if none finished.

    Raises:
        ValueError: If the agent was made for another environment.
        RuntimeError: If a tape does not replay to what was seen.
    """
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    noisy = randomised_environment(environment, options)
    episodes, keys = _play(agent, noisy, seeds, "randomised")
    rows = episodes.to_dict("records")
    fastest = fastest_finishes(episodes)[: options.tapes]
    kept = {f"fastest_{rank:02d}": row for rank, row in enumerate(fastest, start=1)}
    if not episodes["finished"].any():
        kept = {"farthest": farthest_run(episodes)}
    tapes = {name: _tape(rows[row], keys[row], environment.engine) for name, row in kept.items()}
    return Evaluation(episodes, tapes)


def evaluate_native(
    agent: Agent, environment: EnvironmentOptions, options: EvaluationOptions
) -> Evaluation:
    """Run the native protocol: one hard reset, no noise, hence one run and n = 1.

    Args:
        agent: Agent to evaluate.
        environment: Environment it acts in, see :func:`evaluate_agent`.
        options: The protocol, of which only the length of a run counts.

    Returns:
        One row, and the run as the tape ``native``.

    Raises:
        ValueError: If the agent was made for another environment.
        RuntimeError: If the tape does not replay to what was seen.
    """
    quiet = _game(environment, options, idle_ticks=0, sticky=0.0)
    episodes, keys = _play(agent, quiet, [0], "native")
    rows = episodes.to_dict("records")
    return Evaluation(episodes, {"native": _tape(rows[0], keys[0], environment.engine)})


def randomised_environment(
    environment: EnvironmentOptions, options: EvaluationOptions
) -> EnvironmentOptions:
    """Give an environment the noise and the length of the randomised protocol.

    Args:
        environment: Environment that an agent acts in.
        options: The protocol.

    Returns:
        The same game with noise, ended by nothing but its own rules and the time limit.
    """
    return _game(environment, options, idle_ticks=options.idle_ticks, sticky=options.sticky)


def _game(
    environment: EnvironmentOptions, options: EvaluationOptions, idle_ticks: int, sticky: float
) -> EnvironmentOptions:
    changes = {
        "idle_ticks": idle_ticks,
        "sticky": sticky,
        "max_ticks": options.max_ticks,
        "sink_height": None,
    }
    return EnvironmentOptions.model_validate({**environment.model_dump(), **changes})


def _play(
    agent: Agent, game: EnvironmentOptions, seeds: Sequence[int], protocol: str
) -> tuple[pd.DataFrame, tuple[NDArray[np.uint8], ...]]:
    agent.check_interface(game.interface)
    env = QwopVectorEnv(-(-len(seeds) // _BLOCK) * _BLOCK, game, autoreset=False)
    splits, knees = SplitClock(env.num_envs), KneeWatch(env.num_envs)
    played = play_episodes(
        agent.policy(), env, seeds, on_step=Observers(env, (splits, knees)), record_keys=True
    )
    keys = played.keys or ()
    table = pd.DataFrame(
        {
            "protocol": protocol,
            "agent": agent.fingerprint,
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
    return table[list(COLUMNS)], keys


def _ends(played: Episodes) -> NDArray[np.str_]:
    return np.select([played.finished, played.fallen], ["finish", "fall"], "timeout")


def _presses(keys: NDArray[np.uint8]) -> int:
    before = np.concatenate([np.zeros(1, dtype=np.uint8), keys[:-1]])
    return int(_KEYS_DOWN[keys & ~before].sum())


def _tape(row: Mapping[Hashable, Any], keys: NDArray[np.uint8], engine: str) -> Tape:
    meta = {
        "protocol": str(row["protocol"]),
        "agent": str(row["agent"]),
        "seed": int(row["seed"]),
        "idle_ticks": int(row["idle_ticks"]),
    }
    tape = Tape.record(keys, engine=engine, meta=meta)
    seen = (bool(row["finished"]), int(row["ticks"]), float(row["score_time"]))
    if (tape.finished, tape.ticks, tape.score_time) != seen:
        raise RuntimeError(
            f"seed {row['seed']}: finished, ticks and time were {seen}, but its keys replay to "
            f"{(tape.finished, tape.ticks, tape.score_time)} on engine {engine!r}"
        )
    return tape
