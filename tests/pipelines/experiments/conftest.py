"""Experiments of a second."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from qwop_wr.pipelines.experiments.options import Experiments

OWN_PPO: dict[str, Any] = {
    "algorithm": "own_ppo",
    "net_arch": [8],
    "n_steps": 16,
    "batch_size": 32,
    "n_epochs": 1,
}


def experiment(**changes: Any) -> dict[str, Any]:
    fields = {
        "hypothesis": "It runs.",
        "environment": {"max_ticks": 60},
        "n_games": 4,
        "learning": OWN_PPO,
        "training": {
            "budget": {"steps": 192},
            "evaluation_every": 64,
            "evaluation_starts": 4,
            "log_every": 64,
            "progress_bar": False,
        },
        "evaluation": {"seeds": 4, "max_ticks": 60, "bootstrap_resamples": 100},
    }
    return {**fields, **changes}


def stored(values: Mapping[str, Any]) -> dict[str, Callable[[], Any]]:
    return {key: lambda value=value: value for key, value in values.items()}  # type: ignore[misc]


@pytest.fixture
def experiments() -> Experiments:
    child = {
        "like": "first",
        "hypothesis": "It runs on.",
        "outcome": "it did.",
        "source": "somewhere.",
        "begins_with": {"experiment": "first", "step": 100},
        "training": {"budget": {"steps": 64}},
    }
    return Experiments.model_validate({"second": child, "first": experiment()})
