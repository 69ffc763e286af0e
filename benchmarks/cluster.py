"""What large work costs: rates measured here, times computed for clusters from them.

Rates are per second of one core's processor time, so that they do not suffer from
neighbours. Work is done in whole items (a search, a training), one per core at a time; the
time is that of the items that one core gets, one after the other, plus the start of its worker.
"""

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.stage import StageGames, StageInputs, StageOptions, train_stage
from qwop_wr.compute import ComputeOptions, Job, WorkContext, run_job
from qwop_wr.compute.threads import limit_threads
from qwop_wr.datasets import AgentDataset
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv
from qwop_wr.envs.sb3 import QwopVecEnv
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.protocols import EvaluationTask, play_chunk, randomised_options
from qwop_wr.search import AgentGuide, BeamSearch, SearchOptions
from qwop_wr.search.tapes import idle_prefix

EXPERT: Final = Path(__file__).parents[1] / "data/01_raw/expert.safetensors"
WIDTH: Final = 1024
TRAINING_STEPS: Final = 500_000
"""Length of a training of conf/base's ablations."""
CORES: Final = (2, 16, 128, 1024)


@dataclass(frozen=True)
class Work:
    """A large piece of work.

    Attributes:
        name: What it is.
        items: Pieces that cannot be split.
        seconds: Processor time of one [s].
    """

    name: str
    items: int
    seconds: float

    def hours(self, cores: int, start: float) -> float:
        """Work out how long it lasts on so many cores [h]."""
        return (math.ceil(self.items / cores) * self.seconds + start) / 3600

    def row(self, start: float, price: float | None) -> str:
        """Write it as a row of the table."""
        core_hours = self.items * self.seconds / 3600
        cost = "" if price is None else f" {price * core_hours:,.0f} |"
        times = " | ".join(_duration(self.hours(cores, start)) for cores in CORES)
        return (
            f"| {self.name} | {self.items:,} | {self.seconds:,.1f} s | {core_hours:,.1f} h "
            f"| {times} |{cost}"
        )


def _duration(hours: float) -> str:
    return f"{60 * hours:.1f} min" if hours < 2 else f"{hours:,.1f} h"


def core_seconds(work: Callable[[], object]) -> float:
    """Measure a piece of work by the process's own clock, after a first time that warms up.

    Args:
        work: What to do.

    Returns:
        Processor time [s].
    """
    started = time.process_time()
    work()
    return time.process_time() - started


def search_seconds(agent: Agent, clones: int) -> float:
    """Measure the search.

    Args:
        agent: Guides it.
        clones: States to try.

    Returns:
        Processor time per state [s].
    """
    environment = EnvironmentOptions()
    beam = BeamSearch(AgentGuide([agent], environment), environment, SearchOptions(width=WIDTH))
    tried = 0

    def search() -> None:
        nonlocal tried
        tried = beam.run([idle_prefix(0)], 1, max_clones=clones).clones

    return core_seconds(search) / tried


def training_seconds(steps: int) -> float:
    """Measure the learner of the stages.

    Args:
        steps: Steps to train.

    Returns:
        Processor time per step [s], updates included.
    """
    environment = EnvironmentOptions(idle_ticks=30, sticky=0.02, sink_height=1.3, tick_cost=0.005)
    options = StageOptions.model_validate(
        {
            "budget": {"steps": steps},
            "batch_size": 256,
            "warmup_steps": 1000,
            "evaluation_every": steps,
            "evaluation_starts": 8,
            "gate_starts": 8,
            "progress_bar": False,
        }
    )
    games = StageGames(
        QwopVecEnv(QwopVectorEnv(32, environment)), [QwopVectorEnv(8, environment, autoreset=False)]
    )
    spec = options.agent_spec(environment.interface, environment.engine)
    inputs = StageInputs(None, None, 1)
    return core_seconds(lambda: train_stage(options, games, spec, inputs)) / steps


def evaluation_seconds(agent: Agent, seeds: int) -> float:
    """Measure an evaluation.

    Args:
        agent: Who plays.
        seeds: Seeds of a chunk.

    Returns:
        Processor time per seed [s].
    """
    game = randomised_options(EnvironmentOptions(), EvaluationOptions())
    task = EvaluationTask(agent, game, "randomised", tapes=0)
    return core_seconds(lambda: play_chunk(task, range(seeds))) / seeds


def _load(agent: Agent, item: int, context: WorkContext) -> None:
    agent.policy()
    QwopVectorEnv(8, EnvironmentOptions()).reset(seed=item)


def start_seconds(agent: Agent) -> float:
    """Measure how long a worker process takes until its first result [s]."""
    job = Job("start", _load, agent, describe=str)
    started = time.perf_counter()
    list(run_job(job, range(1), ComputeOptions(backend="process", workers=1), progress=False))
    return time.perf_counter() - started


def main() -> None:
    """Print rates and table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--price", type=float, help="of a core-hour, for one more column")
    price = parser.parse_args().price
    limit_threads()
    agent = AgentDataset(filepath=EXPERT).load()
    assert agent is not None  # noqa: S101 - it is not optional
    evaluation_seconds(agent, 1)
    clone = search_seconds(agent, 600_000)
    seeds = {n: evaluation_seconds(agent, n) for n in (25, 100, 500)}
    step = training_seconds(12_000)
    start = start_seconds(agent)
    print(f"search, width {WIDTH}: {1 / clone:,.0f} states per core-second")
    for n, seconds in seeds.items():
        print(f"evaluation in chunks of {n}: {1 / seconds:,.0f} seeds per core-second")
    print(f"training of a stage: {1 / step:,.0f} steps per core-second")
    print(f"start of a worker: {start:.1f} s\n")
    per_search = 3 * WIDTH * 560
    works = [
        Work(
            f"10^9 clones, searches of width {WIDTH}", round(1e9 / per_search), clone * per_search
        ),
        Work("1,000 trainings of 500,000 steps", 1000, step * TRAINING_STEPS),
        Work("1,000 trainings of 35 million steps", 1000, step * 35e6),
        Work("1,000,000 seeds in chunks of 100", 10_000, seeds[100] * 100),
    ]
    heads = " | ".join(f"{cores:,} cores" for cores in CORES)
    cost = "" if price is None else " cost |"
    print(f"| work | items | one item | core time | {heads} |{cost}")
    print("| --- |" + " ---: |" * (3 + len(CORES) + (price is not None)))
    print("\n".join(work.row(start, price) for work in works))


if __name__ == "__main__":
    main()
