"""Where agents fall: on the first metres, or when the hurdle has come between their legs.

Every agent plays the evaluation's noisy starts; what did not finish is counted by the
stretch that it ended in. ``qwop_wr.search.hazards`` is what the coach makes of this.
"""

import argparse
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.rollout import Episodes, play_episodes
from qwop_wr.datasets import AgentDataset
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv

PROJECT: Final = Path(__file__).parents[1]
FIRST_SEED: Final = 10_000
"""First seed of the evaluation."""
N_GAMES: Final = 512
STRETCHES: Final = (0, 15, 48, 65, 90, 101)
"""Ends of the stretches [m]; the hurdle stands at 50 m."""


def episodes_of(agent: Agent, starts: int) -> Episodes:
    """Play the starts."""
    options = EnvironmentOptions(idle_ticks=30, sticky=0.01)
    env = QwopVectorEnv(min(starts, N_GAMES), options, autoreset=False)
    return play_episodes(agent.policy(), env, range(FIRST_SEED, FIRST_SEED + starts))


def row(name: str, episodes: Episodes) -> str:
    """Lay a line of the table out."""
    ends = np.clip(episodes.distance[~episodes.finished], STRETCHES[0], STRETCHES[-1] - 1)
    counts, _ = np.histogram(ends, STRETCHES)
    finished = f"{100 * episodes.finished.mean():.1f} %"
    return f"| {name} | {finished} | " + " | ".join(str(count) for count in counts) + " |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "agents", type=Path, nargs="*", default=[PROJECT / "data/01_raw/expert.safetensors"]
    )
    parser.add_argument("--starts", type=int, default=1024, help="noisy starts")
    arguments = parser.parse_args()
    stretches = [f"{a} to {b} m" for a, b in pairwise(STRETCHES)]
    print(f"| agent | finishes | {' | '.join(stretches)} |")
    print("| --- | ---: |" + " ---: |" * len(stretches))
    for path in arguments.agents:
        agent = AgentDataset(filepath=path).load()
        if agent is None:
            parser.error(f"there is no agent {path}")
        print(row(path.stem, episodes_of(agent, arguments.starts)), flush=True)


if __name__ == "__main__":
    main()
