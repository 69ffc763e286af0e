"""How well a coach's ratings tell where actions lead, before and after the judge follows the agent.

In random decisions of the agent's games its own action and the next best one are rated as a
coach rates them, and then played on for 200 decisions, without any judge. The table tells how
the differences in rating go with the differences in metres: their correlation, and the
metres per metre of rating, which are 1 if nothing is promised that does not come.
Usage: ``python -m benchmarks.judges AGENT``.
"""

import argparse
from typing import Final, NamedTuple

import numpy as np
from benchmarks.coaching import LEARNT_IN, read_command
from numpy.typing import NDArray

from qwop_wr.agents.agent import Agent
from qwop_wr.envs import QwopVectorEnv
from qwop_wr.search.coach import ForesightCoach, ForesightCoachOptions
from qwop_wr.search.foresight import ForesightOptions, Trials, best_actions
from qwop_wr.simulator.constants import UNITS_PER_METRE

FAR: Final = ForesightOptions(decisions=200, value_weight=0.0)
N_GAMES: Final = 256
SHARE: Final = 0.04
"""Share of the decisions that are tried."""
LAST_METRE: Final = 75.0
"""Later trials would finish before they are over."""


class Pair(NamedTuple):
    """Differences between the two actions [m], shape (n,): as rated, and as it turned out."""

    rated: NDArray[np.float64]
    came: NDArray[np.float64]


def tried(agent: Agent, judge: Agent, seed: int) -> Pair:
    """Rate pairs of actions and play them on."""
    env = QwopVectorEnv(N_GAMES, LEARNT_IN, autoreset=False)
    policy, rng, found = agent.policy(), np.random.default_rng(seed), list[NDArray[np.float64]]()
    near, far = (
        Trials(policy, judge.policy(), env, options) for options in (ForesightOptions(), FAR)
    )
    env.reset(seed=rng.integers(2**31, size=N_GAMES).tolist())
    running = np.ones(N_GAMES, dtype=np.bool_)
    while running.any():
        view = near.look()
        proposed = best_actions(policy.action_scores(view.observations), 2)
        early = view.now.torso_x / UNITS_PER_METRE < LAST_METRE
        drawn = np.flatnonzero(running & early & (rng.random(N_GAMES) < SHARE))
        if len(drawn):
            start, actions = near.start(view, drawn), proposed[drawn]
            ratings = [trials.play(start, actions) for trials in (near, far)]
            found.append(np.stack([rating[:, 1] - rating[:, 0] for rating in ratings]))
        _, _, terminated, truncated, _ = env.step(proposed[:, 0])
        running &= ~(terminated | truncated)
    rated, came = np.concatenate(found, axis=1)
    return Pair(rated.clip(-2.0, 2.0), came.clip(-2.0, 2.0))


def row(name: str, pair: Pair) -> str:
    """Lay a line of the table out."""
    correlation = np.corrcoef(pair.rated, pair.came)[0, 1]
    slope = np.cov(pair.rated, pair.came)[0, 1] / pair.rated.var()
    error = pair.came.std() / pair.rated.std() / np.sqrt(len(pair.rated))
    return f"| {name} | {len(pair.rated):,} | {correlation:.3f} | {slope:.2f} ± {error:.2f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=4, help="rounds in which they follow")
    arguments, agent, judge = read_command(parser)
    print("| values | pairs | correlation | metres per metre |")
    print("| --- | ---: | ---: | ---: |")
    print(row("the judge's", tried(agent, judge, 1)), flush=True)
    coach, rng = ForesightCoach(judge, LEARNT_IN, ForesightCoachOptions()), np.random.default_rng(2)
    for number in range(1, arguments.rounds + 1):
        coach.rate(agent, rng)
        print(row(f"after round {number}", tried(agent, coach.judge, 1)), flush=True)


if __name__ == "__main__":
    main()
