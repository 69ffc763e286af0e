"""What one step of learning from a coach makes of an agent, by the pull that holds it.

The agent's decisions are rated once; then it learns from these ratings with each of the
``kl_weight``s. The changed decisions' gain on ratings that nobody has learnt from, and the
divergence from the policy before, tell how good the fit is; then every agent plays the
evaluation's noisy starts.
"""

import argparse
from pathlib import Path
from typing import Final

import numpy as np
from scipy.special import log_softmax

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.coaching import CoachingOptions, RatedActions, joined, learn_from_coach
from qwop_wr.agents.gate import score_agent
from qwop_wr.datasets import AgentDataset
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.protocols import randomised_options
from qwop_wr.pipelines.games import evaluation_games
from qwop_wr.search.coach import ForesightCoach, ForesightCoachOptions

GUIDE: Final = Path(__file__).parents[1] / "data/01_raw/guides/guide_1.safetensors"
LEARNT_IN: Final = EnvironmentOptions(idle_ticks=30, sticky=0.02, sink_height=1.3)
"""As the stages' games."""
PROTOCOL: Final = EvaluationOptions()
EVALUATED_IN: Final = randomised_options(EnvironmentOptions(), PROTOCOL)
N_GAMES: Final = 512


def rated_by_coach(
    agent: Agent, judge: Agent, rounds: int, rng: np.random.Generator
) -> RatedActions:
    """Rate some rounds of play by the judge's values."""
    coach = ForesightCoach(judge, LEARNT_IN, ForesightCoachOptions())
    return joined([coach.rate(agent, rng) for _ in range(rounds)])


def held_out(agent: Agent, learnt: Agent, rated: RatedActions) -> str:
    """Measure changed decisions: what they gain on average, and how far the policies differ."""
    before, after = (one.policy().action_scores(rated.observations) for one in (agent, learnt))
    own, other = np.take_along_axis(after, rated.actions, axis=1).T
    gains = np.where(other > own, rated.ratings[:, 1] - rated.ratings[:, 0], 0.0).clip(-2.0, 2.0)
    old, new = log_softmax(before, axis=1), log_softmax(after, axis=1)
    divergence = (np.exp(old) * (old - new)).sum(axis=1).mean()
    return f"{1000 * gains.mean():.1f} mm | {divergence:.3f}"


def row(name: str, fit: str, agent: Agent, starts: int) -> str:
    """Lay a line of the table out."""
    games = evaluation_games(min(starts, N_GAMES), EVALUATED_IN)
    seeds = range(PROTOCOL.first_seed, PROTOCOL.first_seed + starts)
    score = score_agent(agent, games, seeds)
    median = "none" if score.median_time is None else f"{score.median_time:.2f} s"
    rate, cost = f"{100 * score.finish_rate:.1f} %", f"{score.mean_cost:.1f} s"
    return f"| {name} | {fit} | {rate} | {median} | {cost} |"


def read_command(parser: argparse.ArgumentParser) -> tuple[argparse.Namespace, Agent, Agent]:
    """Read the command line, and from files the agent and the judge that it names.

    Args:
        parser: Knows the other arguments.

    Raises:
        SystemExit: If a file is missing.
    """
    parser.add_argument("agent", type=Path, help="an agent that a stage handed on")
    parser.add_argument("--judge", type=Path, default=GUIDE, help="agent whose values rate")
    arguments = parser.parse_args()
    agent, judge = (
        AgentDataset(filepath=path, load_args={"optional": True}).load()
        for path in (arguments.agent, arguments.judge)
    )
    if agent is None or judge is None:
        parser.error(f"there is no agent {arguments.judge if agent else arguments.agent}")
    return arguments, agent, judge


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kl-weights", type=float, nargs="+", default=[0.05, 0.1, 0.2])
    parser.add_argument("--rounds", type=int, default=4, help="rounds that are learnt from")
    parser.add_argument("--epochs", type=int, default=12, help="passes over their ratings")
    parser.add_argument("--learning-rate", type=float, default=2e-3, help="step size")
    parser.add_argument("--starts", type=int, default=2048, help="noisy starts")
    arguments, agent, judge = read_command(parser)
    rated = rated_by_coach(agent, judge, arguments.rounds, np.random.default_rng(1))
    others = rated_by_coach(agent, judge, 1, np.random.default_rng(3))
    print(f"{len(rated.actions):,} rated decisions, {len(others.actions):,} others to test on\n")
    print("| kl_weight | gain | divergence | finishes | median | mean cost |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    print(row("the agent itself", " | ", agent, arguments.starts), flush=True)
    for weight in arguments.kl_weights:
        options = CoachingOptions(
            rounds=1,
            kl_weight=weight,
            epochs=arguments.epochs,
            learning_rate=arguments.learning_rate,
        )
        learnt, _ = learn_from_coach(agent, [rated], options, np.random.default_rng(2))
        fit = held_out(agent, learnt, others)
        print(row(f"{weight:g}", fit, learnt, arguments.starts), flush=True)


if __name__ == "__main__":
    main()
