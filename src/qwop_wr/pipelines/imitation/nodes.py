"""Nodes that clone demonstrations, fine-tune the clone, and rank imported agents."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.cloning import CloningOptions, clone
from qwop_wr.agents.learners.options import PPOOptions
from qwop_wr.agents.state import TrainingState
from qwop_wr.agents.training import training_result
from qwop_wr.datasets import Recording
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.errors import BadInputError
from qwop_wr.evaluation.options import EvaluationOptions, Seed
from qwop_wr.evaluation.ranking import measure_agent, rank_agents
from qwop_wr.pipelines.games import GamesOptions, platform_of, ppo_training
from qwop_wr.pipelines.inputs import checking
from qwop_wr.pipelines.resuming import train_on
from qwop_wr.tracking import stage_run


def clone_demonstrations(
    demonstrations: Recording,
    environment: EnvironmentOptions,
    options: CloningOptions,
    seed: Seed,
) -> tuple[Agent, pd.DataFrame]:
    """Train an agent to imitate the demonstrations.

    Returns:
        The clone, and the history (``step``, ``metric``, ``value``).

    Raises:
        BadInputError: If the demonstrations do not fit the environment.
    """
    spec = options.agent_spec(environment.interface, environment.engine)
    with checking("demonstrations"):
        steps = demonstrations.transitions_for(environment.interface)
        with stage_run("cloning", options) as sink:
            result = clone(options, spec, steps, seed, sink)
    return result.agent.with_card(stage="cloning"), result.history


def measure_clone(
    agent: Agent, environment: EnvironmentOptions, evaluation: EvaluationOptions
) -> dict[str, Any]:
    """Evaluate the clone by the protocols.

    Returns:
        Finish rate, times, distance and posture, and how well it imitates.

    Raises:
        BadInputError: If the clone was made for another environment.
    """
    with checking("cloned_agent"):
        agent.check_interface(environment.interface)
    return {"validation": agent.card["validation"], **measure_agent(agent, environment, evaluation)}


def finetune_clone(
    interrupted: TrainingState | None,
    agent: Agent,
    environment: EnvironmentOptions,
    games: GamesOptions,
    options: PPOOptions,
    evaluation: EvaluationOptions,
    seed: Seed,
    resume: bool,
) -> Iterator[TrainingState]:
    """Fine-tune the clone with PPO.

    Args:
        options: Options of PPO; the network defaults to the clone's.
        evaluation: Protocol whose noise the evaluated games have.
        resume: Continue from ``interrupted``, if there is one, instead of starting anew.

    Yields:
        The training state at every checkpoint, and at the end.

    Raises:
        BadInputError: If the clone was made for another environment or another network,
            if the training to resume has other inputs, or if weights are not finite.
    """
    with checking("cloned_agent"):
        agent.check_interface(environment.interface)
        unnamed = {"net_arch", "activation"} - options.model_fields_set
        options = options.model_copy(update={name: getattr(agent.spec, name) for name in unnamed})
        training = ppo_training(options, games, environment, evaluation, seed, initial=agent)
    logged = {"games": games, "options": options}
    yield from train_on("finetuning", training, interrupted if resume else None, logged)


def take_finetuned(training: TrainingState) -> tuple[Agent, pd.DataFrame]:
    """Extract the best evaluated agent of the training, the clone included, and the history."""
    with checking("finetuning_training"):
        result = training_result(training)
    agent = result.agent.with_card(stage="finetuning", platform=platform_of(training))
    return agent, result.history


def rank_guests(
    guests: Mapping[str, Agent],
    expert: Agent | None,
    environment: EnvironmentOptions,
    evaluation: EvaluationOptions,
) -> tuple[pd.DataFrame, str]:
    """Evaluate imported agents and the expert on the same seeds.

    Args:
        guests: Agents by name, as ``qwop import`` wrote them.
        environment: Environment that all pipelines share; every agent plays it with its
            own observation, actions and ticks per action.

    Returns:
        A row per agent, the best first; and the same as a Markdown table.

    Raises:
        BadInputError: If there are no guests, or one fits no environment.
    """
    if not guests:
        raise BadInputError(
            "there are no guests in data/01_raw/guests; bring one with: "
            "qwop import AGENT.zip --to data/01_raw/guests"
        )
    agents = {**guests, **({} if expert is None else {"expert (ours)": expert})}
    with checking("guest_agents"):
        return rank_agents(agents, environment, evaluation)
