"""Evaluation on two Ray nodes of this machine, one of which is killed: rows equal to serial.

`make cluster-test` runs it. The cluster has two nodes of one core each, token authentication
and loopback addresses only, and is gone at the end. The same seeds are played in this process,
by two processes, by two nodes, and by two nodes one of which is killed in the middle; it
ends with an error if a row or tape differs.

*Busy* is the share of the workers' time, from the first result to the last, that they spent
in chunks: what is missing to 100 % is the overhead. It does not suffer from neighbours as
the seconds do.
"""

import argparse
import logging
import pickle
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd
from benchmarks.local_cluster import local_cluster, prepare

from qwop_wr.compute import ComputeOptions, Finished, Job, run_job
from qwop_wr.datasets import AgentDataset
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.protocols import (
    Evaluation,
    EvaluationTask,
    PlayedChunk,
    describe_seeds,
    evaluate_agent,
    play_chunk,
    randomised_options,
    worth_keeping,
)

EXPERT: Final = Path(__file__).parents[1] / "data/01_raw/expert.safetensors"
WORKERS: Final = 2
MOST_OVERHEAD: Final = 1.10
"""Time of a chunk on Ray, to that in a process."""

ChunkJob = Job[EvaluationTask, Sequence[int], PlayedChunk]


@dataclass
class Case:
    """One way to evaluate, and what it took.

    Attributes:
        name: Name of the case.
        started: When it began [s].
        chunks: The chunks, in order.
        moments: When each was there [s].
    """

    name: str
    started: float
    chunks: list[Finished[PlayedChunk]]
    moments: list[float]

    @property
    def busy(self) -> float:
        """Share of the workers' time spent in chunks, after each worker's first."""
        inside = sum(chunk.seconds for chunk in self.chunks[WORKERS:])
        return inside / (WORKERS * (self.moments[-1] - self.moments[WORKERS - 1]))

    def check(self, serial: Evaluation) -> None:
        """Make sure that rows and tapes are those of the serial evaluation.

        Raises:
            AssertionError: If one is missing, there twice or different.
        """
        rows = pd.concat([chunk.value.episodes for chunk in self.chunks], ignore_index=True)
        pd.testing.assert_frame_equal(rows, serial.episodes, check_exact=True)
        keys = {seed: keys for chunk in self.chunks for seed, keys in chunk.value.keys.items()}
        for name, seed in worth_keeping(rows, len(serial.tapes)).items():
            if keys[seed].tolist() != serial.tapes[name].per_tick_keys.tolist():
                raise AssertionError(f"{self.name}: tape {name} differs")

    def row(self) -> str:
        """Write the case as a row of the table."""
        workers = len({chunk.worker for chunk in self.chunks})
        seeds = sum(len(chunk.value.episodes) for chunk in self.chunks)
        total, first = self.moments[-1] - self.started, self.moments[0] - self.started
        busy = "" if workers > WORKERS or "killed" in self.name else f"{self.busy:.1%}"
        return f"| {self.name} | {seeds:,} | {workers} | {total:.1f} s | {first:.1f} s | {busy} |"


def evaluate(
    name: str,
    job: ChunkJob,
    chunks: Sequence[Sequence[int]],
    compute: ComputeOptions,
    on_chunk: Callable[[int], None] = lambda number: None,
) -> Case:
    """Play the chunks in one way.

    Args:
        name: Name of the case.
        job: The evaluation.
        chunks: Seeds of each chunk.
        compute: Where.
        on_chunk: Called with the number of every chunk that has come.

    Returns:
        The case.
    """
    case = Case(name, time.perf_counter(), [], [])
    for number, chunk in enumerate(run_job(job, chunks, compute)):
        case.chunks.append(chunk)
        case.moments.append(time.perf_counter())
        on_chunk(number)
    return case


def on_two_nodes(
    job: ChunkJob,
    chunks: Sequence[Sequence[int]],
    address: str,
    cluster: Any,  # noqa: ANN401
) -> tuple[Case, Case, str]:
    """Evaluate on a cluster, look where the weights are, and evaluate while a node dies.

    Args:
        job: The evaluation.
        chunks: Seeds of each chunk.
        address: The cluster's.
        cluster: Ray's ``Cluster``.

    Returns:
        Both cases, and a line about the weights.
    """
    from qwop_wr.compute.ray import RayBackend  # noqa: PLC0415 (after prepare)

    compute = ComputeOptions(backend="ray", address=address)
    quiet = evaluate("two Ray nodes", job, chunks, compute)
    with RayBackend(job, compute) as backend:
        for number, seeds in enumerate(chunks[:8]):
            backend.submit(number, seeds)
        waiting = 8
        while waiting:
            waiting -= len(backend.wait())
        copies = backend.copies()
    task = len(pickle.dumps(chunks[0]))
    sent = (
        f"agent: {max(copies.values()):,} bytes, one copy on each of {len(copies)} nodes after 8 "
        f"chunks; a chunk: {task} bytes"
    )
    doomed = cluster.worker_nodes.copy().pop()

    def kill(number: int) -> None:
        if number == len(chunks) // 2:
            cluster.remove_node(doomed, allow_graceful=False)

    return quiet, evaluate("two Ray nodes, one killed", job, chunks, compute, kill), sent


def main() -> None:
    """Print the table; fail if a row differs or Ray costs too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000)
    seeds = parser.parse_args().seeds
    prepare()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    agent = AgentDataset(filepath=EXPERT).load()
    assert agent is not None  # noqa: S101 - it is not optional
    environment, options = EnvironmentOptions(), EvaluationOptions(seeds=seeds)
    size = ComputeOptions().seeds_per_chunk
    numbers = range(options.first_seed, options.first_seed + seeds)
    chunks = [numbers[first : first + size] for first in range(0, seeds, size)]
    game = randomised_options(environment, options)
    task = EvaluationTask(agent, game, "randomised", options.tapes)
    job = Job("evaluation", play_chunk, task, describe_seeds, unit="chunks")

    started = time.perf_counter()
    serial = evaluate_agent(agent, environment, options)
    seconds = time.perf_counter() - started
    processes = evaluate(
        "two processes", job, chunks, ComputeOptions(backend="process", workers=WORKERS)
    )
    started = time.perf_counter()
    with local_cluster(nodes=WORKERS) as cluster:
        up = time.perf_counter() - started
        quiet, killed, sent = on_two_nodes(job, chunks, cluster.address, cluster)
    for case in (processes, quiet, killed):
        case.check(serial)
    print("\n| evaluation | rows | workers | in all | first chunk after | busy |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    print(f"| this process, {seeds:,} seeds at once | {seeds:,} | 1 | {seconds:.1f} s | | |")
    print("\n".join(case.row() for case in (processes, quiet, killed)))
    overhead = processes.busy / quiet.busy
    print(f"\ncluster of two nodes up after {up:.1f} s, with token authentication, on 127.0.0.1")
    print(sent)
    print(f"a chunk takes {overhead:.3f} times as long on Ray as in a process")
    print(f"rows and tapes of all cases are equal; {len(serial.tapes)} tapes")
    if overhead > MOST_OVERHEAD:
        raise SystemExit(f"Ray costs more than {MOST_OVERHEAD:.2f} times")


if __name__ == "__main__":
    main()
