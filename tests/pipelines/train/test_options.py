"""Experiments as configuration, the ledger's own among them."""

from pathlib import Path
from typing import Any

import pytest
from kedro.config import OmegaConfigLoader
from pydantic import ValidationError

from qwop_wr.agents.learners.options import ALGORITHMS, QRDQNLearning, ValueLearning
from qwop_wr.errors import BadInputError
from qwop_wr.pipelines.train.options import Experiments, merged
from tests.pipelines.train.conftest import OWN_PPO, experiment

CONF = Path(__file__).parents[3] / "conf"
RECIPE = [
    "run0",
    "run0_cured",
    "run1_test",
    "run1_stable",
    "run2_stage1",
    "run2_stage2",
    "run3_ppo",
    "baseline",
]


@pytest.fixture(scope="module")
def ledger() -> Experiments:
    loader = OmegaConfigLoader(str(CONF), base_env="base", default_run_env="experiments")
    return Experiments.model_validate(loader["parameters"]["experiments"])


def test_every_documented_run_is_there(ledger: Experiments) -> None:
    assert list(ledger.root)[: len(RECIPE)] == RECIPE
    compared = {one.learning.algorithm for one in ledger.root.values()}
    assert compared == set(ALGORITHMS)
    for name in RECIPE:
        documented = ledger.root[name]
        assert documented.environment.ticks_per_action == 4
        assert documented.environment.actions == "qwop_gym"
        assert documented.environment.observation == "absolute"
        assert not documented.bootstrap_finish
        steps = documented.at("small").training.budget.steps
        assert steps is not None
        assert steps <= 200_000


def test_run_0_has_the_accident_and_its_cure_has_not(ledger: Experiments) -> None:
    accident, cure = ledger.root["run0"].learning, ledger.root["run0_cured"].learning
    assert isinstance(accident, QRDQNLearning)
    assert isinstance(cure, QRDQNLearning)
    assert accident.gradient_steps_per_target(8) == 16
    assert cure.gradient_steps_per_target(8) == 500
    different = {
        name
        for name in QRDQNLearning.model_fields
        if getattr(accident, name) != getattr(cure, name)
    }
    assert different == {"target_update_interval", "layer_norm"}
    assert accident.exploration(0.15) == pytest.approx(0.1)
    assert accident.exploration(0.3) == accident.exploration(1.0) == 0.0
    assert accident.max_grad_norm is None


def test_run_1_is_run_0_with_its_documented_changes(ledger: Experiments) -> None:
    run = ledger.root["run1_stable"]
    assert isinstance(run.learning, ValueLearning)
    assert ledger.checkpoints("run0", "full") == (5_120_000,)
    assert (run.learning.target_update_interval, run.learning.buffer_size) == (2048, 200_000)
    rates = [run.learning.learning_rate(done) for done in (0.0, 0.04, 0.05, 0.5, 1.0)]
    factor = 0.1 ** (1 / 10)
    assert rates == pytest.approx([1e-3, 1e-3, 1e-3 * factor, 1e-4, 1e-4])


def test_the_small_scale_changes_what_it_names(ledger: Experiments) -> None:
    full, small = ledger.root["run0"], ledger.root["run0"].at("small")
    assert small.training.budget.steps == 120_000
    assert full.training.budget.steps == 32_000_000
    assert isinstance(small.learning, QRDQNLearning)
    assert small.learning.target_update_interval == 512
    assert small.environment == full.environment
    assert full.at("full").learning == full.learning


def test_another_algorithm_brings_its_own_options() -> None:
    values = {"learning": {"algorithm": "ppo", "n_steps": 5, "gamma": 0.9}, "n_games": 2}
    kept = merged(values, {"learning": {"n_steps": 7}})
    assert kept["learning"] == {"algorithm": "ppo", "n_steps": 7, "gamma": 0.9}
    changed = merged(values, {"learning": {"algorithm": "dqn"}})
    assert changed == {"learning": {"algorithm": "dqn"}, "n_games": 2}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"begins_with": {"experiment": "frist", "step": 5}}, "did you mean 'first'"),
        ({"begins_with": {"experiment": "second", "step": 5}}, "is a circle"),
        (
            {"begins_with": {"experiment": "first", "step": 2_000_000}},
            "first ends after 192 steps at scale small",
        ),
        (
            {
                "begins_with": {"experiment": "first", "step": 100},
                "learning": {**OWN_PPO, "net_arch": [9]},
            },
            "is not that of first",
        ),
        ({"small": {"learning": {"epsilon": 1}}}, "own_ppo does not take 'epsilon'"),
        ({"environment": {"actions": "nine"}}, "actions"),
    ],
)
def test_what_does_not_fit_is_told(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Experiments.model_validate({"first": experiment(), "second": experiment(**changes)})


def test_unknown_names_are_answered_with_the_known_ones(experiments: Experiments) -> None:
    with pytest.raises(BadInputError, match="no such experiment.*first"):
        experiments.named("nope")
    with pytest.raises(BadInputError, match="add --env=experiments"):
        Experiments.model_validate({}).named("run0")
