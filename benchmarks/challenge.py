"""The public challenge qwop-autoresearch (v3): 100 episodes, all of which must finish.

Its games are qwop-gym's in Chrome 145: sixteen actions of four ticks, the sixty absolute
numbers, and resets that alternate between two starts. Each begins with one tick without keys,
for which the clock counts 0.25 s. A deterministic agent has one run per start, so two
episodes tell what a hundred bring. The experiment `challenge` trains such an agent
(docs/experiments.md).
"""

import argparse
from pathlib import Path
from typing import Final

import numpy as np

from qwop_wr.agents.agent import Agent
from qwop_wr.datasets import AgentDataset
from qwop_wr.envs import ACTION_SETS, EnvironmentOptions, Observer, Snapshot
from qwop_wr.simulator import Simulator

GAMES: Final = EnvironmentOptions(
    platform="chromium110", ticks_per_action=4, actions="full", observation="absolute"
)
MAX_TICKS: Final = 10_000
STARTS: Final = ("odd episodes: a page just loaded", "even episodes: restarted once")
EXTRA: Final = 0.25 + 1 / 30
"""What qwop-gym's clock counts beside the ticks of the actions [s]."""


def starts() -> Simulator:
    """Make a game for each of the two starts."""
    games = GAMES.make_games(2)
    games.reset()
    games.reset([1], soft=True)
    games.step(np.zeros(2, dtype=np.uint8))
    return games


def play(agent: Agent) -> Snapshot:
    """Play both starts to their ends."""
    policy, observer, masks = agent.policy(), Observer(GAMES.observation), ACTION_SETS["full"]
    games = starts()
    for _ in range(MAX_TICKS // GAMES.ticks_per_action):
        now = Snapshot.of(games)
        if now.ended.all():
            break
        games.step(masks[policy.act(observer.observe(now))], GAMES.ticks_per_action)
    return Snapshot.of(games)


def main() -> None:
    """Print a line per start."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("agent", type=Path, help="agent of the experiment `challenge`")
    arguments = parser.parse_args()
    agent = AgentDataset(filepath=arguments.agent, load_args={"optional": True}).load()
    if agent is None:
        parser.error(f"there is no agent {arguments.agent}")
    agent.check_interface(GAMES.interface)
    ends, first = play(agent), Snapshot.of(starts())
    print("| start | finishes | time | distance |\n| --- | --- | ---: | ---: |")
    for game, name in enumerate(STARTS):
        time = EXTRA + ends.score_time[game] - first.score_time[game]
        finishes = "yes" if ends.landed[game] else "no"
        print(f"| {name} | {finishes} | {time:.2f} s | {ends.score[game]:.1f} m |")


if __name__ == "__main__":
    main()
