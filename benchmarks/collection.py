"""What the age of policies costs: learning curves of PPO by who plays its games.

The learner plays itself, as SB3 does, or workers play for it with policies of 0, 1 or more
updates before (`qwop_wr.agents.collection`). Curves over steps depend neither on the machine
nor on the number of workers. The share of the time that an update waits for play tells what
workers can save at most.
"""

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final
from unittest import mock

import numpy as np

from qwop_wr.agents.ppo import PPOOptions, ScheduledPPO
from qwop_wr.agents.ppo_training import PPOTraining, Workers, training_result
from qwop_wr.compute import SERIAL
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv
from qwop_wr.envs.sb3 import make_games
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.protocols import randomised_environment

N_GAMES: Final = 64
SHARDS: Final = 4
GAMES: Final = EnvironmentOptions(idle_ticks=30, sticky=0.02, sink_height=1.3, tick_cost=0.005)


def options(steps: int, staleness: int | None) -> PPOOptions:
    """Make options as conf/base has them, at a smaller scale.

    Args:
        steps: Length of the training.
        staleness: Age of policies in updates; None: the learner plays itself.

    Returns:
        The options.
    """
    collection = None if staleness is None else {"shards": SHARDS, "staleness": staleness}
    return PPOOptions.model_validate(
        {
            "budget": {"steps": steps},
            "n_steps": 128,
            "batch_size": 2048,
            "n_epochs": 6,
            "target_kl": 0.03,
            "gamma": 0.99,
            "learning_rate": {"start": 2e-3, "end": 1e-4},
            "entropy": {"start": 0.02, "end": 0.002},
            "evaluation_every": max(steps // 4, 1),
            "evaluation_starts": 128,
            "progress_bar": False,
            "collection": collection,
        }
    )


@contextmanager
def playing_time() -> Iterator[list[float]]:
    """Measure how long learners in the block play [s]."""
    spent = [0.0]
    play = ScheduledPPO.collect_rollouts

    def timed(*arguments: Any, **more: Any) -> bool:  # noqa: ANN401
        started = time.process_time()
        went_on = play(*arguments, **more)
        spent[0] += time.process_time() - started
        return went_on

    with mock.patch.object(ScheduledPPO, "collect_rollouts", timed):
        yield spent


def train(staleness: int | None, steps: int, seed: int) -> tuple[list[float], list[float], float]:
    """Train once.

    Args:
        staleness: Age of policies in updates; None: the learner plays itself.
        steps: Length of the training.
        seed: Seed of everything random.

    Returns:
        Mean distance [m] and finish rate at every evaluation, and the share of the
        time spent playing.
    """
    chosen = options(steps, staleness)
    evaluation = randomised_environment(EnvironmentOptions(), EvaluationOptions())
    training = PPOTraining(
        chosen,
        make_games(N_GAMES, GAMES),
        QwopVectorEnv(chosen.evaluation_starts, evaluation, autoreset=False),
        chosen.agent_spec(GAMES.interface, GAMES.engine),
        seed,
        workers=Workers(partial(make_games, N_GAMES // SHARDS, GAMES), SERIAL),
    )
    with playing_time() as spent:
        started = time.process_time()
        *_, state = training.run()
        share = spent[0] / (time.process_time() - started)
    history = training_result(state).history
    curves = [
        history.loc[history["metric"] == f"evaluation/{name}", "value"].tolist()
        for name in ("mean_distance", "finish_rate")
    ]
    return curves[0], curves[1], share


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=800_000)
    parser.add_argument("--seeds", type=int, default=2)
    arguments = parser.parse_args()
    steps = [arguments.steps * quarter // 4 for quarter in (1, 2, 3, 4)]
    heads = " | ".join(f"{step:,}" for step in steps)
    print(f"| who plays | {heads} | finish rate at the end |")
    print("| --- |" + " ---: |" * (len(steps) + 1), flush=True)
    shares = []
    names: dict[int | None, str] = {None: "the learner", 0: "workers, newest policy"}
    for staleness in (None, 0, 1, 4):
        name = names.get(staleness, f"workers, policy {staleness} updates old")
        found = [train(staleness, arguments.steps, seed) for seed in range(arguments.seeds)]
        shares += [share for _, _, share in found if staleness is None]
        distances = np.mean([one[0][: len(steps)] for one in found], axis=0)
        cells = " | ".join(f"{metres:.1f} m" for metres in distances)
        rate = np.mean([one[1][-1] for one in found])
        print(f"| {name} | {cells} | {rate:.0%} |", flush=True)
    print(f"\nplay is {np.mean(shares):.0%} of the learner's processor time")


if __name__ == "__main__":
    main()
