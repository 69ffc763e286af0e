"""What SB3's learners remember beside networks and buffers."""

from collections import deque
from collections.abc import Mapping
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue
from stable_baselines3.common.base_class import BaseAlgorithm

from qwop_wr.agents.state import TrainingState, under

_GAMES = "games"
_STARTS = "episode_starts"


class SavedGames(Protocol):
    """Games whose state can be read and set."""

    def state(self) -> dict[str, NDArray[Any]]:
        """Copy all that the next steps follow from."""

    def load_state(self, arrays: dict[str, NDArray[Any]]) -> NDArray[Any]:
        """Go on from a state; returns what the games show."""


def games_arrays(model: BaseAlgorithm) -> dict[str, NDArray[Any]]:
    """Copy the games under way.

    Args:
        model: A learner whose environment is of the kind ``SavedGames``.

    Returns:
        Arrays by name; none if nothing has been played yet.
    """
    if model._last_obs is None:
        return {}
    games = cast("SavedGames", model.get_env())
    return {**under(_GAMES, games.state()), _STARTS: np.array(model._last_episode_starts)}


def restore_games(model: BaseAlgorithm, state: TrainingState) -> None:
    """Put games under way back.

    Args:
        model: A learner of as many games.
        state: With what ``games_arrays`` gave.

    Raises:
        ValueError: If the games do not fit.
    """
    if _STARTS in state.arrays:
        games = cast("SavedGames", model.get_env())
        model._last_obs = games.load_state(state.part(_GAMES))
        model._last_episode_starts = state.arrays[_STARTS].astype(np.bool_)


def learner_facts(model: BaseAlgorithm) -> dict[str, JsonValue]:
    """Tell the learner's counters, its recent episodes and metrics not yet dumped.

    Args:
        model: The learner.

    Returns:
        JSON for ``restore_learner``.
    """
    logger = model.logger
    return {
        "steps": model.num_timesteps,
        "updates": model._n_updates,
        "episodes": model._episode_num,
        "recent_episodes": [_plain(info) for info in model.ep_info_buffer or ()],
        "recent_successes": [bool(success) for success in model.ep_success_buffer or ()],
        # A list: their order is that of the history.
        "pending_metrics": [
            [name, float(value), logger.name_to_count[name]]
            for name, value in logger.name_to_value.items()
        ],
    }


def restore_learner(model: BaseAlgorithm, facts: Mapping[str, Any]) -> None:
    """Take counters, recent episodes and metrics over.

    Args:
        model: A learner that has its logger.
        facts: What ``learner_facts`` gave.
    """
    model.num_timesteps = facts["steps"]
    model._n_updates = facts["updates"]
    model._episode_num = facts["episodes"]
    window = model._stats_window_size
    model.ep_info_buffer = deque(facts["recent_episodes"], maxlen=window)
    model.ep_success_buffer = deque(facts["recent_successes"], maxlen=window)
    for name, value, count in facts["pending_metrics"]:
        model.logger.record(name, value)
        if count:
            model.logger.name_to_count[name] = count


def _plain(info: Mapping[str, Any]) -> dict[str, JsonValue]:
    return {name: np.asarray(value).item() for name, value in info.items()}
