"""What an agent could do if its reflexes were as good as its judgement.

The same agent plays the same noisy starts by itself and with foresight: before every
decision its best actions are tried on exact clones (``qwop_wr.search.foresight``).
"""

import argparse
from pathlib import Path
from typing import Final

import numpy as np

from qwop_wr.agents.policy import Policy
from qwop_wr.agents.rollout import Episodes, play_episodes
from qwop_wr.datasets import AgentDataset
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv
from qwop_wr.search.foresight import ForesightOptions, ForesightPolicy

PROJECT: Final = Path(__file__).parents[1]
FIRST_SEED: Final = 10_000
"""First seed of the evaluation."""
GAINS: Final = (0.0, 0.1, 0.3, 0.6)
"""Gains that are asked for before the agent's own action is left [m]."""


class Counted(ForesightPolicy):
    """Counts how often foresight changes the agent's mind."""

    decisions = changed = 0

    def act(
        self,
        observations: np.ndarray[tuple[int, int], np.dtype[np.float32]],
        deterministic: bool = True,
        rng: np.random.Generator | None = None,
    ) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Choose one action per game."""
        chosen = super().act(observations, deterministic, rng)
        own = Policy.act(self, observations)
        self.decisions += len(own)
        self.changed += int((chosen != own).sum())
        return chosen


def row(name: str, changed: str, episodes: Episodes) -> str:
    """Lay a line of the table out."""
    times = episodes.score_time[episodes.finished]
    median = f"{np.median(times):.2f} s" if len(times) else "none"
    return f"| {name} | {changed} | {100 * episodes.finished.mean():.1f} % | {median} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "agent", type=Path, nargs="?", default=PROJECT / "data/01_raw/expert.safetensors"
    )
    parser.add_argument("--starts", type=int, default=64, help="noisy starts, a multiple of 16")
    parser.add_argument("--decisions", type=int, default=20, help="how far is looked ahead")
    arguments = parser.parse_args()
    agent = AgentDataset(filepath=arguments.agent, load_args={"optional": True}).load()
    if agent is None:
        parser.error(f"there is no agent {arguments.agent}")
    seeds = range(FIRST_SEED, FIRST_SEED + arguments.starts)
    options = EnvironmentOptions(idle_ticks=30, sticky=0.01)
    env = QwopVectorEnv(arguments.starts, options, autoreset=False)
    print("| gain asked for | acts differently | finishes | median |\n| --- | ---: | ---: | ---: |")
    print(row("no foresight", "", play_episodes(agent.policy(), env, seeds)))
    for gain in GAINS:
        foresight = ForesightOptions(proposals=3, decisions=arguments.decisions)
        policy = Counted(agent, env, foresight, least_gain=gain)
        episodes = play_episodes(policy, env, seeds)
        share = f"{100 * policy.changed / policy.decisions:.1f} %"
        print(row(f"{gain} m", share, episodes), flush=True)


if __name__ == "__main__":
    main()
