"""Agents in comparison, each in the game that it was made for."""

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from qwop_wr.agents.agent import Agent
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.evaluation.episodes import finish_times
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.protocols import evaluate_agent, evaluate_without_noise

_HEADS: Final[Mapping[str, tuple[str, str]]] = {
    "finish_rate": ("finish rate", "{:.1%}"),
    "median_time": ("median time", "{:.2f} s"),
    "best_time": ("best time", "{:.2f} s"),
    "mean_distance": ("mean distance", "{:.1f} m"),
    "knee_near_ground": ("a knee near the ground", "{:.0%}"),
    "native_time": ("native run", "{:.2f} s"),
}


def own_environment(agent: Agent, shared: EnvironmentOptions) -> EnvironmentOptions:
    """Returns the shared environment with an agent's observation, actions and ticks per action.

    Raises:
        ValueError: If there is no such environment.
    """
    spec = agent.spec
    changes = {
        "observation": spec.observation,
        "actions": spec.actions,
        "ticks_per_action": spec.ticks_per_action,
    }
    environment = EnvironmentOptions.from_keywords({**shared.model_dump(), **changes})
    agent.check_interface(environment.interface)
    return environment


def measure_agent(
    agent: Agent, environment: EnvironmentOptions, options: EvaluationOptions
) -> dict[str, Any]:
    """Runs both protocols and summarises them.

    Returns:
        ``finish_rate``, ``median_time`` [s], ``best_time`` [s], ``mean_distance`` [m],
        ``knee_near_ground`` (share of the decisions), ``native_time`` [s],
        ``distinct_trajectories`` and ``seeds``; a time that does not exist is None.
    """
    episodes = evaluate_agent(agent, environment, options).episodes
    native = finish_times(evaluate_without_noise(agent, environment, options).episodes)
    times = pd.Series(finish_times(episodes))
    return {
        "finish_rate": float(episodes["finished"].mean()),
        "median_time": None if times.empty else float(times.median()),
        "best_time": None if times.empty else float(times.min()),
        "mean_distance": float(episodes["distance"].mean()),
        "knee_near_ground": float(episodes["knee_near_ground"].mean()),
        "native_time": float(native[0]) if len(native) else None,
        "distinct_trajectories": int(episodes["trajectory"].nunique()),
        "seeds": len(episodes),
    }


def rank_agents(
    agents: Mapping[str, Agent], shared: EnvironmentOptions, options: EvaluationOptions
) -> tuple[pd.DataFrame, str]:
    """Measures agents on the same seeds, each in its :func:`own_environment`.

    Returns:
        A row per agent, ordered by finish rate, median time and mean distance; and the same
        as a Markdown table.

    Raises:
        ValueError: Naming the agent that fits no environment.
    """
    rows = []
    for name, agent in agents.items():
        try:
            environment = own_environment(agent, shared)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
        identity = {"agent": name, "fingerprint": agent.fingerprint, "engine": environment.engine}
        rows.append({**identity, **measure_agent(agent, environment, options)})
    frame = pd.DataFrame(rows).sort_values(
        ["finish_rate", "median_time", "mean_distance"], ascending=[False, True, False]
    )
    return frame.reset_index(drop=True), _as_markdown(frame)


def _as_markdown(frame: pd.DataFrame) -> str:
    """Formats a table, the names aligned to the left and the numbers to the right."""
    lines = [["agent", *(head for head, _ in _HEADS.values())], ["---", *["---:"] * len(_HEADS)]]
    for row in frame.to_dict("records"):
        texts = [
            "none" if pd.isna(row[name]) else form.format(row[name])
            for name, (_, form) in _HEADS.items()
        ]
        lines.append([str(row["agent"]), *texts])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
