"""Our own PPO beside stable-baselines3's: steps per second, and what they come to.

    python benchmarks/ppo.py                     speed, the two in turns
    python benchmarks/ppo.py --curves --steps 300000 --seeds 3

Both play the same games with the same network, rollouts, batches and epochs, on one thread;
rates count processor time. Medians of rounds that take turns, so that what else the machine
does meets both.
"""

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from numba import config

from qwop_wr.agents.learners.learner import Learner
from qwop_wr.agents.learners.options import PPOLearning, TrainingOptions
from qwop_wr.agents.training import LearnerTask, LearnerTraining, training_result
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv
from qwop_wr.envs.sb3 import QwopVecEnv

NUMBA: Final[Any] = config
ENVIRONMENT: Final = EnvironmentOptions(
    sink_height=1.3, tick_cost=0.005, idle_ticks=30, sticky=0.02
)
CASES: Final[Mapping[str, tuple[int, dict[str, Any]]]] = {
    "SB3's defaults, 8 games": (8, {"n_steps": 256, "net_arch": (64, 64)}),
    "the same network, 64 games": (64, {"n_steps": 32, "net_arch": (64, 64)}),
    "the ledger's run3_ppo": (8, {"n_steps": 256, "net_arch": (256, 256), "entropy": 0.01}),
    "the expert pipeline's": (
        256,
        {"n_steps": 128, "net_arch": (256, 128), "batch_size": 4096, "n_epochs": 6},
    ),
}
"""Games and options by name; what is not given is SB3's default (batch 64, 10 epochs)."""
CURVE: Final = {
    "n_steps": 64,
    "batch_size": 256,
    "n_epochs": 6,
    "learning_rate": {"start": 1e-3, "end": 1e-4},
    "entropy": {"start": 0.02, "end": 0.002},
}


def make_learner(algorithm: str, n_games: int, options: Mapping[str, Any]) -> Learner:
    """Make one of the two."""
    learning = PPOLearning.model_validate({**options, "algorithm": algorithm})
    spec = learning.agent_spec(ENVIRONMENT.interface, ENVIRONMENT.engine)
    games = QwopVecEnv(QwopVectorEnv(n_games, ENVIRONMENT))
    return LearnerTask(learning, spec, seed=0).learner(games, lambda steps: 0.0)


def rate_of(learner: Learner, seconds: float) -> Callable[[], float]:
    """Make a case that counts steps per second of processor time."""

    def case() -> float:
        before, started = learner.steps, time.process_time()
        while time.process_time() - started < seconds:
            learner.iterate()
        return (learner.steps - before) / (time.process_time() - started)

    return case


def compare_speed(rounds: int, seconds: float) -> None:
    """Print steps per second of both."""
    print("| work | SB3's PPO, steps/s | ours, steps/s | ratio |\n| --- | ---: | ---: | ---: |")
    for name, (n_games, options) in CASES.items():
        cases = [
            rate_of(make_learner(one, n_games, options), seconds) for one in ("ppo", "own_ppo")
        ]
        for case in cases:
            case()
        rates = np.array([[case() for case in cases] for _ in range(rounds)])
        theirs, ours = np.median(rates, axis=0)
        ratio = statistics.median((rates[:, 1] / rates[:, 0]).tolist())
        print(f"| {name} | {theirs:,.0f} | {ours:,.0f} | {ratio:.2f} |", flush=True)


def compare_curves(steps: int, seeds: int) -> None:
    """Print what both come to, seed by seed."""
    rows: list[dict[str, Any]] = []
    for seed in range(1, seeds + 1):
        for algorithm in ("ppo", "own_ppo"):
            curve: dict[Any, float] = _train(algorithm, steps, seed)
            rows.append({"algorithm": algorithm, "seed": seed, **curve})
            print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    print("\n| mean distance [m] at | SB3's PPO | ours |\n| --- | ---: | ---: |")
    for column in table.columns[2:]:
        spans = [
            f"{part.mean():.1f} ({part.min():.1f} to {part.max():.1f})"
            for part in (table.loc[table["algorithm"] == a, column] for a in ("ppo", "own_ppo"))
        ]
        print(f"| {column:,} steps | {' | '.join(spans)} |")


def _train(algorithm: str, steps: int, seed: int) -> dict[int, float]:
    learning = PPOLearning.model_validate({**CURVE, "algorithm": algorithm})
    spec = learning.agent_spec(ENVIRONMENT.interface, ENVIRONMENT.engine)
    options = TrainingOptions.model_validate(
        {
            "budget": {"steps": steps},
            "evaluation_every": steps // 5,
            "evaluation_starts": 32,
            "progress_bar": False,
        }
    )
    quiet = ENVIRONMENT.model_copy(update={"sink_height": None})
    training = LearnerTraining(
        options,
        LearnerTask(learning, spec, seed),
        QwopVecEnv(QwopVectorEnv(32, ENVIRONMENT)),
        [QwopVectorEnv(32, quiet, autoreset=False)],
    )
    *_, state = training.run()
    history = training_result(state).history
    rows = history[history["metric"] == "evaluation/mean_distance"]
    # Both stop at whole rollouts, so at the same steps.
    return {int(row["step"]): round(float(row["value"]), 2) for _, row in rows[1:].iterrows()}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="turns that each takes")
    parser.add_argument("--seconds", type=float, default=4.0, help="processor time of a turn")
    parser.add_argument("--curves", action="store_true", help="compare what they come to instead")
    parser.add_argument("--steps", type=int, default=300_000, help="of every curve")
    parser.add_argument("--seeds", type=int, default=3, help="of every curve")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    NUMBA.NUMBA_NUM_THREADS = 1
    names = ("torch", "stable-baselines3", "numpy")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in names)
    load = f", load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{platform.machine()}, {os.cpu_count()} cores{load}; one thread; {versions}\n")
    if arguments.curves:
        compare_curves(arguments.steps, arguments.seeds)
    else:
        compare_speed(arguments.rounds, arguments.seconds)


if __name__ == "__main__":
    main()
