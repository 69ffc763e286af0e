"""How long the parts of a round of coaching take on one core, on two, and so on.

Every number of cores has a process of its own; they take turns, so that the ratios hold on a
busy machine as well.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.coaching import CoachingOptions, learn_from_coach
from qwop_wr.agents.gate import score_agent
from qwop_wr.compute import single_thread
from qwop_wr.datasets import AgentDataset
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.protocols import randomised_options
from qwop_wr.pipelines.games import evaluation_games
from qwop_wr.search.coach import ForesightCoach, ForesightCoachOptions

GUIDE: Final = Path(__file__).parents[1] / "data/01_raw/guides/guide_1.safetensors"
PLAYED: Final = EnvironmentOptions(idle_ticks=30, sticky=0.02, sink_height=1.3)
"""As the stages' games."""
EVALUATED: Final = randomised_options(EnvironmentOptions(), EvaluationOptions())
COACHING: Final = CoachingOptions(rounds=1)
N_STARTS: Final = 512
N_WARM_UP: Final = 64
"""Starts that are played before anything is timed."""


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Run a part.

    Args:
        work: The part.

    Returns:
        Its time by the clock [s], and its result.
    """
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def time_parts(agent: Agent, judge: Agent) -> dict[str, float]:
    """Time the parts of one round, in this process.

    Args:
        agent: Agent that is coached.
        judge: Agent by whose values it is.

    Returns:
        Seconds by the clock, by part.
    """
    rng = np.random.default_rng(1)
    games = evaluation_games(N_STARTS, EVALUATED)
    with single_thread():
        score_agent(agent, games, range(N_WARM_UP))
        coach = ForesightCoach(judge, PLAYED, ForesightCoachOptions())
        rating, rated = timed(lambda: coach.rate(agent, rng))
        rounds = [rated] * COACHING.memory
        learning, _ = timed(lambda: learn_from_coach(agent, rounds, COACHING, rng))
        scoring, _ = timed(lambda: score_agent(agent, games, range(N_STARTS)))
    parts = {"rating": rating, "learning": learning, "evaluation": scoring}
    return {**parts, "round": sum(parts.values())}


def time_on(n_cores: int, agent: Path) -> dict[str, float]:
    """Time the parts of one round in a process of its own.

    Args:
        n_cores: Cores that it may use.
        agent: File of the agent.

    Returns:
        As :func:`time_parts`.
    """
    allowed = sorted(os.sched_getaffinity(0))
    command = [sys.executable, __file__, str(agent), "--here"]
    environment = {**os.environ, "NUMBA_NUM_THREADS": str(n_cores)}
    os.sched_setaffinity(0, allowed[:n_cores])  # the process inherits it
    try:
        done = subprocess.run(  # noqa: S603
            command, env=environment, check=True, stdout=subprocess.PIPE, encoding="utf-8"
        )
    finally:
        os.sched_setaffinity(0, allowed)
    parts: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return parts


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("agent", type=Path, help="an agent that a stage handed on")
    parser.add_argument("--rounds", type=int, default=3, help="measurements per number of cores")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    agent, guide = (
        AgentDataset(filepath=path, load_args={"optional": True}).load()
        for path in (arguments.agent, GUIDE)
    )
    if agent is None:
        parser.error(f"there is no agent {arguments.agent}")
    if arguments.here:
        print(json.dumps(time_parts(agent, guide or agent)))
        return
    numbers, most = [1], len(os.sched_getaffinity(0))
    while numbers[-1] * 2 <= most:
        numbers.append(numbers[-1] * 2)
    times: dict[int, list[dict[str, float]]] = {number: [] for number in numbers}
    for _ in range(arguments.rounds):
        for number in numbers:
            times[number].append(time_on(number, arguments.agent))
    print(f"| part | {' | '.join(f'{n} core' + 's' * (n > 1) for n in numbers)} | ratio |")
    print("| --- |" + " ---: |" * (len(numbers) + 1))
    for part in times[1][0]:
        medians = [statistics.median(one[part] for one in times[n]) for n in numbers]
        cells = " | ".join(f"{seconds:.1f} s" for seconds in medians)
        print(f"| {part} | {cells} | {medians[0] / medians[-1]:.2f} |")


if __name__ == "__main__":
    main()
