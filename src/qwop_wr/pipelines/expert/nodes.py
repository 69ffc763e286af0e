"""Nodes that make an expert from nothing."""

from dataclasses import asdict
from typing import Any

import pandas as pd

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.gate import pass_gate
from qwop_wr.agents.ppo import PPOOptions, train_ppo
from qwop_wr.agents.starts import draw_starts
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv
from qwop_wr.envs.sb3 import QwopVecEnv
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.protocols import randomised_environment
from qwop_wr.pipelines.expert.options import GateOptions
from qwop_wr.pipelines.games import GamesOptions
from qwop_wr.pipelines.inputs import checking
from qwop_wr.tracking import stage_run


def train_expert(
    reigning: Agent | None,
    environment: EnvironmentOptions,
    games: GamesOptions,
    options: PPOOptions,
    evaluation: EvaluationOptions,
    seed: int,
) -> tuple[Agent, pd.DataFrame]:
    """Train an agent from random weights with PPO.

    Args:
        reigning: Present expert, if there is one.
        environment: Environment that all pipelines share.
        games: Games to learn in.
        options: How to learn.
        evaluation: Protocol whose noise the evaluated games have.
        seed: Seed of everything random.

    Returns:
        The best agent seen, and the history (``step``, ``metric``, ``value``).

    Raises:
        BadInputError: If the reigning expert was made for another environment: the
            new one could not be compared with it and would overwrite it.
    """
    if reigning is not None:
        with checking("reigning_expert_agent"):
            reigning.check_interface(environment.interface)
    with stage_run("expert", {"games": games, "options": options}) as sink:
        result = train_ppo(
            options,
            QwopVecEnv(QwopVectorEnv(games.n_games, games.environment(environment))),
            QwopVectorEnv(
                options.evaluation_starts,
                randomised_environment(environment, evaluation),
                autoreset=False,
            ),
            options.agent_spec(environment.interface, environment.engine),
            seed,
            sink,
        )
    return result.agent.with_card(stage="expert"), result.history


def select_expert(
    candidate: Agent,
    reigning: Agent | None,
    environment: EnvironmentOptions,
    evaluation: EvaluationOptions,
    options: GateOptions,
    seed: int,
) -> tuple[Agent, dict[str, Any]]:
    """Keep the reigning expert unless the candidate loses nothing and gains something.

    Args:
        candidate: Newly trained agent.
        reigning: Present expert, if there is one.
        environment: Environment that all pipelines share.
        evaluation: Protocol whose noise the games have.
        options: How many starts both play.
        seed: Seed that the starts follow from.

    Returns:
        The expert from now on, and the comparison.
    """
    env = QwopVectorEnv(
        min(options.starts, 512), randomised_environment(environment, evaluation), autoreset=False
    )
    agent, report = pass_gate(reigning, candidate, env, draw_starts(seed, "gate", options.starts))
    return agent, asdict(report)
