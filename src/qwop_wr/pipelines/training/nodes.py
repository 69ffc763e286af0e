"""Nodes of one training stage; the work is done by ``qwop_wr.agents``."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any

import pandas as pd
import torch
from pydantic import BaseModel, ConfigDict, Field

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.networks import build_network
from qwop_wr.agents.stage import StageOptions
from qwop_wr.agents.stage_inputs import StageGames, StageInputs
from qwop_wr.agents.stage_state import stage_result
from qwop_wr.agents.state import TrainingState
from qwop_wr.agents.trainer import StageTraining
from qwop_wr.datasets import Recording
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv
from qwop_wr.envs.sb3 import QwopVecEnv
from qwop_wr.evaluation.options import EvaluationOptions, Seed
from qwop_wr.evaluation.protocols import randomised_environment
from qwop_wr.pipelines.games import GamesOptions
from qwop_wr.pipelines.inputs import checking
from qwop_wr.pipelines.resuming import train_on
from qwop_wr.search.coach import ForesightCoach, ForesightCoachOptions
from qwop_wr.simulator import SLOW_CLONES


class Stage(BaseModel):
    """A stage: its name, the games that it learns in, and how.

    Attributes:
        name: Name of the stage.
        games: Games to learn in.
        options: How to learn.
        coach: How the coach watches and rates, if ``options.coaching`` asks for one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1)]
    games: GamesOptions
    options: StageOptions
    coach: ForesightCoachOptions = ForesightCoachOptions()


def initialise_agent(stage: Stage, environment: EnvironmentOptions, seed: Seed) -> Agent:
    """Make the untrained agent that the first stage starts from.

    Args:
        stage: The first stage, whose options fix the network.
        environment: Environment that all pipelines share.
        seed: Seed of the weights.

    Returns:
        An agent with random weights.
    """
    spec = stage.options.agent_spec(environment.interface, environment.engine)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Agent.from_network(spec, build_network(spec), {"stage": "initial", "seed": seed})


def train_agent(
    incoming: Agent,
    interrupted: TrainingState | None,
    demonstrations: Recording,
    environment: EnvironmentOptions,
    stage: Stage,
    evaluation: EvaluationOptions,
    seed: Seed,
    resume: bool,
) -> Iterator[TrainingState]:
    """Train one stage; what it hands on is never worse than what it got.

    Kedro saves what this generator yields at once, so that an interrupted training
    can be gone on with.

    Args:
        incoming: Agent that the stage starts from.
        interrupted: State of the last training, if there is one.
        demonstrations: Recorded runs; the options say how far they are used.
        environment: Environment that all pipelines share.
        stage: Games and options of the stage.
        evaluation: Protocol whose noise the gate's games have.
        seed: Seed of everything random; the gate's starts follow from it and the incoming
            agent, which was chosen on others.
        resume: Go on from ``interrupted``, if there is one, instead of beginning anew.

    Yields:
        The state of the training whenever it is due; the last one is its result.

    Raises:
        BadInputError: If agent, demonstrations and environment do not fit together, the
            interrupted training was another one, or a loss was not finite.
    """
    with checking("demonstrations"):
        transitions = demonstrations.transitions_for(environment.interface)
    with checking("the agent handed to " + stage.name):
        incoming.check_interface(environment.interface)
    options, played = stage.options, stage.games.environment(environment)
    if environment.engine in SLOW_CLONES:
        options = options.model_copy(update={"coaching": None})
    noisy = randomised_environment(environment, evaluation)
    with checking(f"stage {stage.name}"):
        training = StageTraining(
            options,
            _make_games(stage, played, noisy),
            options.agent_spec(environment.interface, environment.engine),
            StageInputs(incoming, transitions, seed),
            {
                "games": [stage.games.n_games, played.model_dump(mode="json")],
                "evaluated games": noisy.model_dump(mode="json"),
                "coach": stage.coach.model_dump(mode="json"),
            },
            lambda judge: ForesightCoach(judge, played, stage.coach),
        )
    logged = {"games": stage.games, "options": options, "coach": stage.coach}
    yield from train_on(stage.name, training, interrupted if resume else None, logged)


def take_agent(training: TrainingState, stage: Stage) -> tuple[Agent, pd.DataFrame, dict[str, Any]]:
    """Take out of a training what the stage hands on.

    Args:
        training: Its last state.
        stage: The stage.

    Returns:
        The agent handed on, the history (``step``, ``metric``, ``value``) and the
        gate's report, with the rollbacks and the health of the learner.

    Raises:
        BadInputError: If the training has not come to its end.
    """
    with checking(f"{stage.name}_training"):
        result = stage_result(training)
    agent = result.agent.with_card(stage=stage.name) if result.gate.promoted else result.agent
    health = result.health._asdict() if result.health else None
    report = {**asdict(result.gate), "rollbacks": result.rollbacks, "health": health}
    return agent, result.history, report


def _make_games(stage: Stage, played: EnvironmentOptions, noisy: EnvironmentOptions) -> StageGames:
    options = stage.options
    if options.n_steps > played.max_ticks // played.ticks_per_action:
        raise ValueError(
            f"n_steps {options.n_steps} is longer than an episode of {played.max_ticks} ticks "
            f"at {played.ticks_per_action} per action; lower n_steps"
        )
    return StageGames(
        QwopVecEnv(QwopVectorEnv(stage.games.n_games, played)),
        QwopVectorEnv(options.evaluation_starts, noisy, autoreset=False),
    )
