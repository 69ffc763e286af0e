"""Experiments of a second."""

from typing import Any

import pytest

from qwop_wr.pipelines.train.options import Experiments

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
            "budget": {"steps": 1_000_000},
            "evaluation_every": 64,
            "evaluation_starts": 4,
            "log_every": 64,
            "progress_bar": False,
        },
        "evaluation": {"seeds": 4, "max_ticks": 60, "bootstrap_resamples": 100},
        "small": {"training": {"budget": {"steps": 192}}},
    }
    return {**fields, **changes}


@pytest.fixture
def experiments() -> Experiments:
    child = experiment(
        outcome="it did.",
        source="somewhere.",
        begins_with={"experiment": "first", "step": 500_000},
        small={"training": {"budget": {"steps": 64}}, "begins_with": {"step": 100}},
    )
    return Experiments.model_validate({"second": child, "first": experiment()})
