"""Nodes of one training stage; the work is done by ``qwop_wr.agents``."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import fsspec
import pandas as pd
import torch
from pydantic import BaseModel, ConfigDict, Field

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.errors import TrainingDivergedError
from qwop_wr.agents.networks import build_network
from qwop_wr.agents.stage import StageOptions
from qwop_wr.agents.trainer import StageGames, check_inputs, train_stage
from qwop_wr.datasets import AgentDataset, Recording, TrainingStateDataset
from qwop_wr.datasets.npz import write_arrays
from qwop_wr.datasets.whole_files import whole_file
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv
from qwop_wr.envs.sb3 import QwopVecEnv
from qwop_wr.errors import BadInputError
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.protocols import randomised_environment
from qwop_wr.pipelines.games import GamesOptions
from qwop_wr.pipelines.inputs import checking
from qwop_wr.tracking import stage_run


class StagePlace(BaseModel):
    """What a stage is called and where its unfinished things are.

    Attributes:
        name: Name of the stage.
        workspace: Folder for what an unfinished stage leaves behind: the state that the
            next run goes on from; or, if a loss was not finite, the batch and the best
            agent until then.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1)]
    workspace: Annotated[str, Field(min_length=1)]


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
    stage: StagePlace,
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
        stage: Name of the stage, and where it leaves what is unfinished.
        environment: Environment that all pipelines share.
        games: Games to learn in.
        options: How to learn.
        evaluation: Protocol whose noise the gate's games have.
        seed: Seed of everything random; the gate's starts follow from it, so that
            all stages are measured on the same ones.

    Returns:
        The agent handed on, the history (``step``, ``metric``, ``value``) and the
        gate's report, with the rollbacks and the health of the learner.

    Raises:
        BadInputError: If agent, demonstrations and environment do not fit together,
            or a loss was not finite.
    """
    with checking("demonstrations"):
        transitions = demonstrations.transitions_for(environment.interface)
    with checking("the agent handed to " + stage.name):
        incoming.check_interface(environment.interface)
    spec = options.agent_spec(environment.interface, environment.engine)
    with checking(f"stage {stage.name}"):
        stage_games = _make_games(environment, games, options, evaluation)
        check_inputs(options, stage_games.training, spec, incoming, transitions)
    path = Path(stage.workspace) / "state.safetensors"
    state = TrainingStateDataset(filepath=path, load_args={"optional": True})
    try:
        with stage_run(stage.name, {"games": games, "options": options}) as sink:
            result = train_stage(
                options, stage_games, spec, incoming, transitions, seed, sink, state
            )
    except TrainingDivergedError as error:
        raise BadInputError(
            f"stage {stage.name}: {error}{keep_remains(error, stage.workspace)}"
        ) from error
    path.unlink(missing_ok=True)
    agent = result.agent if result.agent is incoming else result.agent.with_card(stage=stage.name)
    health = result.health._asdict() if result.health else None
    report = {**asdict(result.gate), "rollbacks": result.rollbacks, "health": health}
    return agent, result.history, report


def keep_remains(error: TrainingDivergedError, folder: str) -> str:
    """Save what can be learnt from a training that diverged.

    Args:
        error: The end of the training.
        folder: Where to save the batch and the best agent before it.

    Returns:
        Where they are, in words.
    """
    filesystem, kept = fsspec.filesystem("file"), ""
    if error.batch is not None:
        path = f"{folder}/diverged_batch.npz"
        with whole_file(filesystem, path) as file:
            write_arrays(file, error.batch)
        kept += f"; the batch is kept in {path}"
    if error.agent is not None:
        path = f"{folder}/last_good_agent.safetensors"
        AgentDataset(filepath=path).save(error.agent)
        kept += f"; the best agent until then is kept in {path}"
    return kept


def _make_games(
    environment: EnvironmentOptions,
    games: GamesOptions,
    options: StageOptions,
    evaluation: EvaluationOptions,
) -> StageGames:
    played = games.environment(environment)
    if options.n_steps > played.max_ticks // played.ticks_per_action:
        raise ValueError(
            f"n_steps {options.n_steps} is longer than an episode of {played.max_ticks} ticks "
            f"at {played.ticks_per_action} per action; lower n_steps"
        )
    noisy = randomised_environment(environment, evaluation)
    return StageGames(
        QwopVecEnv(QwopVectorEnv(games.n_games, played)),
        QwopVectorEnv(options.evaluation_starts, noisy, autoreset=False),
    )
