"""Nodes that evaluate the final agent."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from qwop_wr.agents.agent import Agent
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.evaluation.championship import challenge
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.protocols import evaluate_agent, evaluate_native
from qwop_wr.evaluation.summary import STAGE_FIELDS, TIME_STATISTICS, summarise
from qwop_wr.pipelines.inputs import checking
from qwop_wr.simulator.tape import Tape

_METRICS: Final = (
    "finish_rate",
    *TIME_STATISTICS,
    "best_time",
    "native_time",
    "mean_distance",
    "mean_knee_near_ground",
    "mean_key_presses_per_second",
    "distinct_trajectories",
)


def run_protocols(
    agent: Agent, environment: EnvironmentOptions, options: EvaluationOptions
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Tape]]:
    """Run the randomised protocol and the native one.

    Args:
        agent: Agent to evaluate.
        environment: Environment that all pipelines share.
        options: The protocols.

    Returns:
        A row per seed, the row of the native run, and the tapes of the native run
        and the fastest distinct finishes.

    Raises:
        BadInputError: If the agent was made for another environment.
    """
    with checking("the evaluated agent"):
        agent.check_interface(environment.interface)
    randomised = evaluate_agent(agent, environment, options)
    native = evaluate_native(agent, environment, options)
    return randomised.episodes, native.episodes, {**native.tapes, **randomised.tapes}


def summarise_evaluation(
    episodes: pd.DataFrame,
    native: pd.DataFrame,
    options: EvaluationOptions,
    seed: int,
    **gates: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, Any], dict[str, dict[str, float]]]:
    """Summarise the evaluation and what each stage handed on.

    Args:
        episodes: A row per seed.
        native: The row of the native run.
        options: The protocols.
        seed: Seed of the bootstrap.
        **gates: Report of each stage's gate, by the stage's name and in order.

    Returns:
        The summary twice, for its versioned and its newest copy, and its numbers
        as metrics.
    """
    summary = summarise(episodes, native, gates, options, np.random.default_rng(seed))
    return summary, summary, _metrics(summary)


def challenge_champion(
    agent: Agent,
    episodes: pd.DataFrame,
    champion: Agent | None,
    expert: Agent | None,
    environment: EnvironmentOptions,
    options: EvaluationOptions,
    seed: int,
) -> tuple[dict[str, Any], Agent]:
    """Compare the agent with the champion and with the expert on the same seeds.

    Args:
        agent: Agent that was evaluated.
        episodes: Its rows, one per seed.
        champion: Best agent of the runs before; without one, the expert is champion.
        expert: Agent that the demonstrations came from, if there is one.
        environment: Environment that all pipelines share.
        options: The protocols.
        seed: Seed of the bootstrap.

    Returns:
        What came of it, and the champion from now on.

    Raises:
        BadInputError: If the rows are not the agent's.
    """
    if champion is not None and expert is not None and champion.fingerprint == expert.fingerprint:
        champion = None
    named = {"champion": champion, "expert": expert}
    opponents = {name: opponent for name, opponent in named.items() if opponent is not None}
    with checking("the evaluated agent"):
        outcome = challenge(agent, episodes, opponents, environment, options, seed)
    return outcome.to_json(), outcome.champion


def _metrics(summary: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    values = {name: summary[name] for name in _METRICS}
    for stage, scores in summary["stages"].items():
        values.update({f"{stage}.{field}": scores[field] for field in STAGE_FIELDS})
    return {
        name: {"step": 0, "value": float(value)}
        for name, value in values.items()
        if value is not None
    }
