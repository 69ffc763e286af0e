"""The two protocols: one run without noise, and one run per seed with it."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qwop_wr.agents.agent import Agent
from qwop_wr.compute import SERIAL, ComputeOptions, Job, run_job, settle
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.evaluation.chunks import EvaluationTask, describe_seeds, play_chunk, worth_keeping
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.simulator.tape import Tape

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
