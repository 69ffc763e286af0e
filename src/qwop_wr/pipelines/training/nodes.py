"""Nodes of one training stage; the work is done by ``qwop_wr.agents``."""

from dataclasses import asdict
from typing import Any

import pandas as pd
import torch

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.networks import build_network
from qwop_wr.agents.stage import StageOptions
from qwop_wr.agents.trainer import check_inputs, train_stage
from qwop_wr.datasets import Recording
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv
from qwop_wr.envs.sb3 import QwopVecEnv
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.protocols import randomised_environment
from qwop_wr.pipelines.games import GamesOptions
from qwop_wr.pipelines.inputs import checking
from qwop_wr.tracking import stage_run


def initialise_agent(options: StageOptions, environment: EnvironmentOptions, seed: int) -> Agent:
    """Make the untrained agent that the first stage starts from.

    Args:
        options: Options of the first stage, which fix the network.
        environment: Environment that all pipelines share.
        seed: Seed of the weights.

    Returns:
        An agent with random weights.
    """
    spec = options.agent_spec(environment.interface, environment.engine)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Agent.from_network(spec, build_network(spec), {"stage": "initial", "seed": seed})


def train_agent(
    incoming: Agent,
    demonstrations: Recording,
    name: str,
    environment: EnvironmentOptions,
    games: GamesOptions,
    options: StageOptions,
    evaluation: EvaluationOptions,
    seed: int,
) -> tuple[Agent, pd.DataFrame, dict[str, Any]]:
    """Train one stage; what it hands on is never worse than what it got.

    Args:
        incoming: Agent that the stage starts from.
        demonstrations: Recorded runs; the options say how far they are used.
        name: Name of the stage.
        environment: Environment that all pipelines share.
        games: Games to learn in.
        options: How to learn.
        evaluation: Protocol whose noise the gate's games have.
        seed: Seed of everything random; the gate's starts follow from it, so that
            all stages are measured on the same ones.

    Returns:
        The agent handed on, the history (``step``, ``metric``, ``value``) and the
        gate's report.

    Raises:
        BadInputError: If agent, demonstrations and environment do not fit together.
    """
    with checking("demonstrations"):
        transitions = demonstrations.transitions_for(environment.interface)
    with checking("the agent handed to " + name):
        incoming.check_interface(environment.interface)
    spec = options.agent_spec(environment.interface, environment.engine)
    training_env = QwopVecEnv(QwopVectorEnv(games.n_games, games.environment(environment)))
    with checking(f"stage {name}"):
        check_inputs(options, training_env, spec, incoming, transitions)
    gate_games = randomised_environment(environment, evaluation)
    with stage_run(name, {"games": games, "options": options}) as sink:
        result = train_stage(
            options,
            training_env,
            QwopVectorEnv(options.evaluation_starts, gate_games, autoreset=False),
            spec,
            incoming,
            transitions,
            seed,
            sink,
        )
    agent = result.agent if result.agent is incoming else result.agent.with_card(stage=name)
    return agent, result.history, asdict(result.gate)
