"""Nodes that let the expert demonstrate."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.rollout import Episodes, play_episodes
from qwop_wr.datasets import Recording
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv
from qwop_wr.errors import BadInputError
from qwop_wr.pipelines.demonstrations.options import DemonstrationOptions
from qwop_wr.pipelines.games import GamesOptions
from qwop_wr.pipelines.inputs import checking


def collect_demonstrations(
    expert: Agent,
    environment: EnvironmentOptions,
    games: GamesOptions,
    options: DemonstrationOptions,
) -> tuple[Recording, dict[str, Any]]:
    """Let the expert play and record every decision.

    Args:
        expert: Agent that demonstrates.
        environment: Environment that all pipelines share.
        games: Games to demonstrate in.
        options: Which episodes are kept.

    Returns:
        The recorded transitions, and a summary of the episodes played and kept.

    Raises:
        BadInputError: If the expert was made for another environment, or no episode is kept.
    """
    with checking("expert_agent"):
        expert.check_interface(environment.interface)
    env = QwopVectorEnv(games.n_games, games.environment(environment), autoreset=False)
    seeds = range(options.first_seed, options.first_seed + options.episodes)
    episodes = play_episodes(
        expert.policy(),
        env,
        seeds,
        deterministic=options.deterministic,
        rng=np.random.default_rng(options.first_seed),
        record=True,
    )
    kept = episodes.finished if options.finished_only else np.ones(len(seeds), dtype=np.bool_)
    if episodes.transitions is None or not kept.any():
        raise BadInputError(
            f"none of the expert's {options.episodes} demonstrations finished; train a better "
            "expert (kedro run --pipeline=expert) or set demonstrations.options.finished_only "
            "to false"
        )
    recording = Recording(episodes.transitions.select(np.flatnonzero(kept)), environment.interface)
    return recording, _summary(expert, episodes, kept, recording)


def _summary(
    expert: Agent,
    episodes: Episodes,
    kept: NDArray[np.bool_],
    recording: Recording,
) -> dict[str, Any]:
    times = episodes.score_time[episodes.finished & kept]
    return {
        "expert": expert.fingerprint,
        "episodes_played": len(kept),
        "episodes": int(kept.sum()),
        "successes": int((episodes.finished & kept).sum()),
        "transitions": len(recording.transitions),
        "mean_distance": float(episodes.distance[kept].mean()),
        "best_time": float(times.min()) if len(times) else None,
        "median_time": float(np.median(times)) if len(times) else None,
    }
