"""What one step of learning from a coach makes of an agent, by the pull that holds it.

The agent's decisions are rated once; then it learns from these ratings with each of the
``kl_weight``s, and every agent that comes of it plays the evaluation's noisy starts.
"""

import argparse
from pathlib import Path
from typing import Final

import numpy as np

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.coaching import CoachingOptions, RatedActions, joined, learn_from_coach
from qwop_wr.agents.gate import score_agent
from qwop_wr.datasets import AgentDataset
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.protocols import randomised_options
from qwop_wr.search.coach import ForesightCoach, ForesightCoachOptions

LEARNT_IN: Final = EnvironmentOptions(idle_ticks=30, sticky=0.02, sink_height=1.3)
"""As the stages' games."""
PROTOCOL: Final = EvaluationOptions()
EVALUATED_IN: Final = randomised_options(EnvironmentOptions(), PROTOCOL)
N_GAMES: Final = 512


def rated_by_coach(agent: Agent, rounds: int, rng: np.random.Generator) -> RatedActions:
    """Rate some rounds of play."""
    coach = ForesightCoach(agent, LEARNT_IN, ForesightCoachOptions())
    return joined([coach.rate(agent, rng) for _ in range(rounds)])


def row(name: str, agent: Agent, starts: int) -> str:
    """Lay a line of the table out."""
    env = QwopVectorEnv(min(starts, N_GAMES), EVALUATED_IN, autoreset=False)
    seeds = range(PROTOCOL.first_seed, PROTOCOL.first_seed + starts)
    score = score_agent(agent, env, seeds)
    median = "none" if score.median_time is None else f"{score.median_time:.2f} s"
    return f"| {name} | {100 * score.finish_rate:.1f} % | {median} | {score.mean_cost:.1f} s |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("agent", type=Path, help="an agent that a stage handed on")
    parser.add_argument("--kl-weights", type=float, nargs="+", default=[0.01, 0.05, 0.1])
    parser.add_argument("--rounds", type=int, default=3, help="rounds that are rated")
    parser.add_argument("--starts", type=int, default=2048, help="noisy starts")
    arguments = parser.parse_args()
    agent = AgentDataset(filepath=arguments.agent, load_args={"optional": True}).load()
    if agent is None:
        parser.error(f"there is no agent {arguments.agent}")
    rated = rated_by_coach(agent, arguments.rounds, np.random.default_rng(1))
    print(f"{len(rated.actions):,} rated decisions\n")
    print("| kl_weight | finishes | median | mean cost |\n| --- | ---: | ---: | ---: |")
    print(row("the agent itself", agent, arguments.starts), flush=True)
    for weight in arguments.kl_weights:
        options = CoachingOptions(rounds=1, kl_weight=weight)
        learnt, _ = learn_from_coach(agent, rated, options, np.random.default_rng(2))
        print(row(f"{weight:g}", learnt, arguments.starts), flush=True)


if __name__ == "__main__":
    main()
