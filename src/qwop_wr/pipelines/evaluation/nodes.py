"""Nodes that evaluate the final agent."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final, cast

import numpy as np
import pandas as pd

from qwop_wr.agents.agent import Agent
from qwop_wr.compute import ComputeOptions
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.evaluation.comparison import challenge
from qwop_wr.evaluation.episodes import MADE_WITH, check_table, describe_making
from qwop_wr.evaluation.options import EvaluationOptions, Seed
from qwop_wr.evaluation.protocols import evaluate_agent, evaluate_without_noise
from qwop_wr.evaluation.summary import STAGE_FIELDS, TIME_STATISTICS, summarise
from qwop_wr.pipelines.inputs import check_agent, check_stages, checking, fresh
from qwop_wr.provenance import describe_provenance
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


STEP: Final = "--pipeline=evaluation"
"""Options of ``kedro run`` that remake the evaluation."""


def gather_provenance(parameters: dict[str, Any]) -> dict[str, str]:
    """Describe the code, versions and parameters of the evaluation."""
    return describe_provenance(parameters)


def confirm_stages(**stages: Agent | Mapping[str, Any]) -> Agent:
    """Check that the stages follow from one another; returns the agent of the last one.

    Args:
        **stages: ``{stage}_agent`` and ``{stage}_gate`` of every stage, in order.

    Raises:
        BadInputError: If a stage was retrained and the later ones were not.
    """
    agents = {
        name.removesuffix("_agent"): item
        for name, item in stages.items()
        if isinstance(item, Agent)
    }
    gates = {name: cast("Mapping[str, Any]", stages[f"{name}_gate"]) for name in agents}
    check_stages(agents, gates)
    return list(agents.values())[-1]


def confirm_evaluation(
    agent: Agent,
    episodes: pd.DataFrame,
    native: pd.DataFrame,
    tapes: dict[str, Tape],
    environment: EnvironmentOptions,
    options: EvaluationOptions,
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Tape]]:
    """Check that an evaluation is the agent's, under the present protocols.

    Args:
        episodes: A row per seed.
        native: The row of the native run.
        tapes: The native run and the fastest finishes.

    Raises:
        BadInputError: If a part is another agent's, or was made under other protocols.
    """
    made_with = describe_making(environment, options)
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    for name, table, ran in (
        ("evaluation_episodes", episodes, seeds),
        ("native_episode", native, range(1)),
    ):
        with fresh(name, STEP):
            check_table(table, agent.fingerprint, made_with, ran)
    runs = {*episodes["trajectory"], *native["trajectory"]}
    for name, tape in tapes.items():
        check_agent(f"tapes: {name}", tape.meta.get("agent"), agent, STEP)
        if hashlib.sha256(tape.per_tick_keys.tobytes()).hexdigest() not in runs:
            with fresh(f"tapes: {name}", STEP):
                raise ValueError("it matches no row of evaluation_episodes or native_episode")
    return episodes, native, tapes


def run_protocols(
    agent: Agent,
    environment: EnvironmentOptions,
    options: EvaluationOptions,
    compute: ComputeOptions,
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Tape]]:
    """Run the randomised protocol and the native one.

    Returns:
        A row per seed, the row of the native run, and the tapes of the native run
        and the fastest distinct finishes.

    Raises:
        BadInputError: If the agent was made for another environment.
    """
    with checking("the evaluated agent"):
        agent.check_interface(environment.interface)
    randomised = evaluate_agent(agent, environment, options, compute)
    native = evaluate_without_noise(agent, environment, options)
    making = {MADE_WITH: describe_making(environment, options)}
    tapes = {**native.tapes, **randomised.tapes}
    return randomised.episodes.assign(**making), native.episodes.assign(**making), tapes


def summarise_evaluation(
    episodes: pd.DataFrame,
    native: pd.DataFrame,
    options: EvaluationOptions,
    seed: Seed,
    **gates: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, Any], dict[str, dict[str, float]]]:
    """Summarise the evaluation and the stages' gates.

    Args:
        episodes: A row per seed.
        native: The row of the native run.
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
    seed: Seed,
    compute: ComputeOptions,
) -> tuple[dict[str, Any], Agent]:
    """Compare the agent with the champion and with the expert on the same seeds.

    Args:
        episodes: Its rows, one per seed.
        champion: Best agent of earlier runs; without one, the expert is champion.
        expert: Agent that the demonstrations came from, if there is one.

    Returns:
        The comparisons, and the champion from now on.

    Raises:
        BadInputError: If the rows are not the agent's.
    """
    if champion is not None and expert is not None and champion.fingerprint == expert.fingerprint:
        champion = None
    named = {"champion": champion, "expert": expert}
    opponents = {name: opponent for name, opponent in named.items() if opponent is not None}
    with checking("the evaluated agent"):
        outcome = challenge(agent, episodes, opponents, environment, options, seed, compute)
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
