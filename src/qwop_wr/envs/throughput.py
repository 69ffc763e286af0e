"""Game ticks per second of the engines and of the environments on top of them.

The workload is random keys, held for four ticks, with a reset where a game
ends. All cases take turns, round after round, so that other load on the machine
affects all alike, and the medians of the rounds count.
"""

import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib import metadata
from typing import Any, Final, NamedTuple

import numpy as np
from numba.core import config

from qwop_wr.envs.actions import ACTION_SETS
from qwop_wr.envs.options import EnvironmentOptions
from qwop_wr.envs.sb3 import QwopVecEnv
from qwop_wr.envs.vector import QwopVectorEnv
from qwop_wr.simulator import PLATFORMS, Simulator, make_simulator
from qwop_wr.simulator.exact import ExactSimulator

HOLD: Final = 4
"""Ticks for which random keys are held."""

N_GAMES: Final = 256
"""Games of the large batches."""

SETTINGS: Final[Any] = config
ALL_THREADS: Final = int(SETTINGS.NUMBA_NUM_THREADS)


class Case(NamedTuple):
    """A workload that is timed.

    Attributes:
        name: Its row in the table.
        unit: What is counted.
        threads: Threads it may use.
        run: Does a round's work and returns how much was done.
    """

    name: str
    unit: str
    threads: int
    run: Callable[[], int]


class Rates(NamedTuple):
    """Medians over the rounds.

    Attributes:
        wall: Per second of wall time.
        cpu: Per second of processor time, all threads together.
    """

    wall: float
    cpu: float


def play(simulator: Simulator, n_ticks: int) -> Callable[[], int]:
    """Makes a round of random play of some ticks, all games together."""
    rng = np.random.default_rng(0)
    n_games = simulator.n_games
    keys = rng.integers(0, 16, (n_ticks // (HOLD * n_games), n_games), dtype=np.uint8)

    def run() -> int:
        for held in keys:
            simulator.step(held, HOLD)
            ended = simulator.ended
            if ended.any():
                simulator.reset(np.flatnonzero(ended))
        return keys.size * HOLD

    return run


def clone(simulator: ExactSimulator, n_calls: int) -> Callable[[], int]:
    """Makes a round that copies one half of the games over the other a number of times."""
    half = simulator.n_games // 2
    origins = np.arange(half)

    def run() -> int:
        for _ in range(n_calls):
            simulator.copy_games(simulator, origins, origins + half)
        return n_calls * half

    return run


def decide(n_steps: int, sb3: bool) -> Callable[[], int]:
    """Makes a round of random actions in the vector environment, or in Stable-Baselines3's view.

    ``n_steps`` are decisions per game; the round counts game ticks.
    """
    options = EnvironmentOptions()
    games = QwopVectorEnv(N_GAMES, options)
    n_actions = len(ACTION_SETS[options.actions])
    actions = np.random.default_rng(0).integers(0, n_actions, (n_steps, N_GAMES))
    view = QwopVecEnv(games) if sb3 else None
    if view is None:
        games.reset(seed=0)
    else:
        view.reset()

    def run() -> int:
        for chosen in actions:
            if view is None:
                games.step(chosen)
            else:
                view.step(chosen)
        return actions.size * options.ticks_per_action

    return run


def cases() -> list[Case]:
    """Lists the workloads in the order of the table."""
    one, many = "exact, {} on one core", f"exact, {N_GAMES} games on all cores"
    return [
        Case(one.format("1 game"), "ticks", 1, play(ExactSimulator(1), 20_000)),
        Case(one.format("8 games"), "ticks", 1, play(ExactSimulator(8), 60_000)),
        *(
            Case(
                one.format(f"{N_GAMES} games of {name}"),
                "ticks",
                1,
                play(ExactSimulator(N_GAMES, name), 100 * 1024),
            )
            for name in PLATFORMS
        ),
        Case(many, "ticks", ALL_THREADS, play(ExactSimulator(N_GAMES), 200 * 1024)),
        Case("Box2D, 1 game on one core", "ticks", 1, play(make_simulator("box2d", 1), 5_000)),
        Case("Box2D, 8 games on one core", "ticks", 1, play(make_simulator("box2d", 8), 5_000)),
        Case(f"vector environment, {N_GAMES} games on one core", "ticks", 1, decide(100, False)),
        Case(f"SB3 VecEnv, {N_GAMES} games on one core", "ticks", 1, decide(100, True)),
        Case("exact, clones on one core", "games", 1, clone(ExactSimulator(N_GAMES), 50)),
    ]


def measure(listed: list[Case], rounds: int) -> list[Rates]:
    """Times the cases in turns, after a first turn that does not count."""
    wall: list[list[float]] = [[] for _ in listed]
    cpu: list[list[float]] = [[] for _ in listed]
    threads = SETTINGS.NUMBA_NUM_THREADS
    try:
        for turn in range(1 + rounds):
            for number, case in enumerate(listed):
                SETTINGS.NUMBA_NUM_THREADS = case.threads
                wall_start, cpu_start = time.perf_counter(), time.process_time()
                done = case.run()
                # The first turn compiles and warms caches.
                if turn > 0:
                    cpu[number].append(done / (time.process_time() - cpu_start))
                    wall[number].append(done / (time.perf_counter() - wall_start))
    finally:
        SETTINGS.NUMBA_NUM_THREADS = threads
    return [
        Rates(statistics.median(one), statistics.median(other))
        for one, other in zip(wall, cpu, strict=True)
    ]


def table(listed: list[Case], rates: list[Rates]) -> str:
    """Returns the rates as Markdown, with ratios to Box2D's single game per processor second."""
    base = next(
        rate.cpu for case, rate in zip(listed, rates, strict=True) if case.name.startswith("Box2D")
    )
    rows = [("case", "per second", "per processor second", "to Box2D")]
    for case, rate in zip(listed, rates, strict=True):
        ratio = f"{rate.cpu / base:.1f}" if case.unit == "ticks" else ""
        wall, cpu = (f"{value:,.0f} {case.unit}" for value in rate)
        rows.append((case.name, wall, cpu, ratio))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [
        "| " + " | ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) + " |"
        for row in rows
    ]
    lines.insert(1, "| " + " | ".join(rule) + " |")
    return "\n".join(lines)


def machine() -> str:
    """Describes the machine and the versions, in one line."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("numba", "numpy", "box2d"))
    load = f", load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (
        f"{platform.machine()}, {os.cpu_count()} cores{load}; "
        f"Python {platform.python_version()}, {versions}"
    )
