"""Experiments as configuration, the ledger's own among them."""

from pathlib import Path
from typing import Any

import pytest
from kedro.config import OmegaConfigLoader
from pydantic import ValidationError

from qwop_wr import settings
from qwop_wr.agents.learners.options import ALGORITHMS, QRDQNLearning, ValueLearning
from qwop_wr.errors import BadInputError
from qwop_wr.pipelines.experiments.options import Experiments, Study, merged
from tests.pipelines.experiments.conftest import OWN_PPO, experiment

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


def configured(env: str) -> dict[str, Any]:
    arguments: dict[str, Any] = {**settings.CONFIG_LOADER_ARGS}
    loaded: dict[str, Any] = OmegaConfigLoader(str(CONF), env=env, **arguments)["parameters"]
    return loaded


@pytest.fixture(scope="module")
def small() -> Experiments:
    return Experiments.model_validate(configured("local")["experiments"])


@pytest.fixture(scope="module")
def full() -> Experiments:
    return Experiments.model_validate(configured("full")["experiments"])


def test_every_documented_run_is_there(small: Experiments) -> None:
    ledger = Study.model_validate(configured("local")["ledger"])
    assert ledger.experiments[: len(RECIPE)] == tuple(RECIPE)
    compared = {small.named(name).plan.learning.algorithm for name in ledger.experiments}
    assert compared == set(ALGORITHMS)
    for name in RECIPE:
        documented = small.named(name)
        assert documented.environment.ticks_per_action == 4
        assert documented.environment.actions == "qwop_gym"
        assert documented.environment.observation == "absolute"
        assert not documented.bootstrap_finish
        steps = documented.plan.training.budget.steps
        assert steps is not None
        assert steps <= 200_000


@pytest.mark.parametrize("study", ["ledger", "ablations", "shaping"])
def test_every_study_names_experiments_that_exist(small: Experiments, study: str) -> None:
    named = Study.model_validate(configured("local")[study]).experiments
    assert set(named) <= small.root.keys()


def test_run_0_has_the_accident_and_its_cure_has_not(full: Experiments) -> None:
    accident, cure = (full.named(name).plan.learning for name in ("run0", "run0_cured"))
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


def test_run_1_is_run_0_with_its_documented_changes(full: Experiments) -> None:
    run = full.named("run1_stable")
    learning = run.plan.learning
    assert isinstance(learning, ValueLearning)
    assert full.checkpoints("run0") == (5_120_000,)
    assert (learning.target_update_interval, learning.buffer_size) == (2048, 200_000)
    rates = [learning.learning_rate(done) for done in (0.0, 0.04, 0.05, 0.5, 1.0)]
    factor = 0.1 ** (1 / 10)
    assert rates == pytest.approx([1e-3, 1e-3, 1e-3 * factor, 1e-4, 1e-4])


def test_the_full_scale_is_an_environment(small: Experiments, full: Experiments) -> None:
    before, after = small.named("run0"), full.named("run0")
    assert before.plan.training.budget.steps == 120_000
    assert after.plan.training.budget.steps == 32_000_000
    for one in (before.plan.learning, after.plan.learning):
        assert isinstance(one, QRDQNLearning)
        assert one.target_update_interval == 512
    assert before.environment == after.environment
    # What is like run 0 follows it there.
    assert full.named("run0_knees").plan.training.budget.steps == 32_000_000
    assert full.named("run0_knees").environment.shaping is not None


def test_a_change_on_the_command_line_reaches_what_is_like_it() -> None:
    arguments: dict[str, Any] = {**settings.CONFIG_LOADER_ARGS}
    change = {"experiments": {"run0": {"learning": {"gamma": 0.5}}}}
    loader = OmegaConfigLoader(str(CONF), env="local", runtime_params=change, **arguments)
    changed = Experiments.model_validate(loader["parameters"]["experiments"])
    assert changed.named("run0_cured").plan.learning.gamma == 0.5
    assert changed.named("run2_stage1").plan.learning.gamma == 0.995


def test_another_algorithm_brings_its_own_options() -> None:
    values = {"learning": {"algorithm": "ppo", "n_steps": 5, "gamma": 0.9}, "n_games": 2}
    kept = merged(values, {"learning": {"n_steps": 7}})
    assert kept["learning"] == {"algorithm": "ppo", "n_steps": 7, "gamma": 0.9}
    same = merged(values, {"learning": {"algorithm": "own_ppo"}})
    assert same["learning"] == {"algorithm": "own_ppo", "n_steps": 5, "gamma": 0.9}
    changed = merged(values, {"learning": {"algorithm": "dqn"}})
    assert changed == {"learning": {"algorithm": "dqn"}, "n_games": 2}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"begins_with": {"experiment": "frist", "step": 5}}, "did you mean 'first'"),
        ({"begins_with": {"experiment": "second", "step": 5}}, "is a circle"),
        (
            {"begins_with": {"experiment": "first", "step": 2_000_000}},
            "first ends after 192 steps",
        ),
        (
            {
                "begins_with": {"experiment": "first", "step": 100},
                "learning": {**OWN_PPO, "net_arch": [9]},
            },
            "is not that of first",
        ),
        ({"learning": {**OWN_PPO, "epsilon": 1}}, "own_ppo does not take 'epsilon'"),
        ({"like": "frist"}, "second.like = 'frist'.* did you mean 'first'"),
        ({"like": "second"}, "second like second is a circle"),
        ({"learning": None}, "learning missing; or stage"),
        ({"stage": {}}, "environment, n_games, .*: a variant of stage 1 has nothing but stage"),
        ({"environment": {"actions": "nine"}}, "actions"),
    ],
)
def test_what_does_not_fit_is_told(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Experiments.model_validate({"first": experiment(), "second": experiment(**changes)})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"margn_weight": 0.0}, "margn_weight = 0.0: there is no such key; did you mean 'margin_"),
        ({"layer_norm": "maybe"}, "layer_norm = 'maybe': Input should be a valid boolean"),
        ({"priorities": {"importanc": "mean"}}, "priorities.importanc = 'mean': there is no such"),
        ({"budget": {"steps": "-5"}}, "budget.steps = '-5': Input should be greater than or equal"),
    ],
)
def test_changes_of_stage_1_that_do_not_fit(changes: dict[str, Any], said: str) -> None:
    variant = {"full": {"hypothesis": "All parts.", "stage": changes}}
    with pytest.raises(ValidationError, match=said):
        Experiments.model_validate(variant)


def test_purpose_and_beginning_are_not_taken_over(experiments: Experiments) -> None:
    values = {"first": experiment(outcome="rose."), "second": {"like": "first"}}
    with pytest.raises(ValidationError, match="second.hypothesis"):
        Experiments.model_validate(values)
    grandchild = {"like": "second", "hypothesis": "Alone."}
    child = {
        "like": "first",
        "hypothesis": "Later.",
        "begins_with": {"experiment": "first", "step": 100},
    }
    found = Experiments.model_validate(
        {"first": values["first"], "second": child, "third": grandchild}
    )
    assert (found.named("third").begins_with, found.named("third").outcome) == (None, None)
    assert found.named("third").plan == found.named("first").plan


def test_unknown_names_are_answered_with_the_known_ones(experiments: Experiments) -> None:
    with pytest.raises(BadInputError, match="no such experiment.*first"):
        experiments.named("nope")


def test_a_study_names_each_once() -> None:
    for field in ("experiments", "seeds"):
        with pytest.raises(ValidationError, match=f"{field} .* repeat themselves"):
            Study.model_validate({"experiments": ["a"], field: ["1", "1"]})
    assert Study(experiments=("a",)).seeded(7).keys("a") == ["a/7"]
    assert Study(experiments=("a",), seeds=(1, 2)).seeded(7).keys("a") == ["a/1", "a/2"]
