"""Variants of stage 1: trained once each, then summed up."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import pytest
from kedro.config import OmegaConfigLoader
from pydantic import ValidationError

from qwop_wr import settings
from qwop_wr.agents.schedules import TrainingBudget
from qwop_wr.agents.stage import StageOptions
from qwop_wr.compute import SERIAL, WorkContext
from qwop_wr.datasets import Recording
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.errors import BadInputError
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.pipelines.experiments.nodes import train_variants
from qwop_wr.pipelines.experiments.options import Experiments, Study
from qwop_wr.pipelines.experiments.runs import (
    VariantRun,
    VariantSetting,
    train_variant,
    variant_options,
)
from qwop_wr.pipelines.experiments.table import Cell
from qwop_wr.pipelines.games import GamesOptions
from qwop_wr.pipelines.training.nodes import AgentOptions, Stage
from tests.pipelines.experiments.conftest import experiment, stored

VARIANTS: dict[str, Any] = {
    "full": {"hypothesis": "All parts.", "stage": {"budget": {"steps": 200}}},
    "without_margin": {"like": "full", "hypothesis": "One less.", "stage": {"margin_weight": 0.0}},
}
STUDY = Study(experiments=("full", "without_margin"), seeds=(1, 2))


def make_experiments(**changes: Any) -> Experiments:
    return Experiments.model_validate({**VARIANTS, **changes})


@pytest.fixture
def stage(stage_options: StageOptions) -> Stage:
    options = StageOptions.model_validate(
        {
            **stage_options.model_dump(exclude_unset=True),
            "demonstration_share": 0.5,
            "pretraining_steps": 5,
        }
    )
    return Stage(name="toy", games=GamesOptions(n_games=4), options=options)


@pytest.fixture
def train(
    demonstrations: Recording,
    environment: EnvironmentOptions,
    stage: Stage,
    agent_options: AgentOptions,
) -> Callable[..., dict[str, Cell]]:
    def run(
        study: Study,
        finished: Mapping[str, Cell] | None = None,
        recording: Recording = demonstrations,
        experiments: Experiments | None = None,
    ) -> dict[str, Cell]:
        cells: dict[str, Cell] = {}
        for histories, cell in train_variants(
            stored(finished or {}),
            recording,
            experiments or make_experiments(),
            study,
            stage,
            agent_options,
            environment,
            EvaluationOptions(max_ticks=40),
            1,
            SERIAL,
        ):
            assert histories.keys() == cell.keys()
            cells |= cell
        return cells

    return run


def test_every_variant_is_trained_with_every_seed(train: Callable[..., dict[str, Cell]]) -> None:
    cells = train(STUDY)
    assert list(cells) == ["full/1", "without_margin/1", "full/2", "without_margin/2"]
    assert len({cell["task"] for cell in cells.values()}) == 2, "a task is a variant's"
    for cell in cells.values():
        assert cell["steps"] == 200
        assert cell["starts"] == 4
        assert 0 <= cell["finish_rate"] <= 1


def test_a_training_elsewhere_is_logged_by_the_driver(
    demonstrations: Recording,
    environment: EnvironmentOptions,
    stage: Stage,
    agent_options: AgentOptions,
    tracking_uri: str,
) -> None:
    """It comes to the same, and gets its child run when it is back."""
    training = VariantSetting(
        demonstrations.transitions_for(environment.interface), 4, environment, environment
    )
    base = agent_options.applied_to(stage.options)
    variant = VariantRun("full", 1, variant_options(make_experiments(), "full", base))
    here, there = (
        train_variant(training, variant, WorkContext(lambda: False, in_process))
        for in_process in (True, False)
    )
    assert {**there.outcome, "processor_seconds": 0} == {**here.outcome, "processor_seconds": 0}
    assert there.outcome["processor_seconds"] > 0
    assert (here.is_logged, there.is_logged) == (True, False)
    mlflow.set_tracking_uri(tracking_uri)
    with mlflow.start_run() as parent:
        here.log(variant)
        there.log(variant)
    client = mlflow.MlflowClient()
    query = f"tags.mlflow.parentRunId = '{parent.info.run_id}'"
    (child,) = client.search_runs([parent.info.experiment_id], query)
    assert (child.info.run_name, child.info.status) == ("full 1", "FINISHED")
    sent = client.get_metric_history(child.info.run_id, "evaluation/finish_rate")
    rates = there.history.query("metric == 'evaluation/finish_rate'")
    assert {(one.step, one.value) for one in sent} == set(
        zip(rates["step"], rates["value"], strict=True)
    )


def test_finished_cells_are_not_trained_again(train: Callable[..., dict[str, Cell]]) -> None:
    one_seed = Study(experiments=STUDY.experiments, seeds=(1,))
    cells = train(one_seed)
    more = train(STUDY, cells)
    assert list(more) == ["full/2", "without_margin/2"]
    assert train(STUDY, cells | more) == {}
    # Other parameters make other cells.
    shorter = {**VARIANTS["full"], "stage": {"budget": {"steps": 100}}}
    changed = make_experiments(full=shorter)
    assert len(train(one_seed, cells, experiments=changed)) == 2


@pytest.mark.parametrize("name", ["obs", "actions", "rewards", "next_obs", "dones"])
def test_other_demonstrations_make_other_cells(
    train: Callable[..., dict[str, Cell]], demonstrations: Recording, name: str
) -> None:
    study = Study(experiments=("full",), seeds=(1,))
    cells = train(study)
    before = demonstrations.transitions
    array = getattr(before, name)
    changed = array ^ before.ends if name == "dones" else array[::-1].copy()
    other = Recording(replace(before, **{name: changed}), demonstrations.interface)
    assert (changed != array).any()
    assert list(train(study, cells, other)) == ["full/1"]


def test_only_those_that_are_named_are_trained(train: Callable[..., dict[str, Cell]]) -> None:
    cells = train(Study(experiments=("without_margin",)))
    assert list(cells) == ["without_margin/1"]


def test_changes_that_do_not_fit_are_told_in_one_line(
    train: Callable[..., dict[str, Cell]],
) -> None:
    with pytest.raises(ValidationError, match=r"wild\.stage\n.*margin_wait = 1\.0: .*_weight"):
        make_experiments(wild={"hypothesis": "It fits.", "stage": {"margin_wait": 1.0}})
    # Which shares fit depends on the other options of stage 1.
    wild = {"hypothesis": "It fits.", "stage": {"demonstration_share": 0.9, "elite_share": 0.9}}
    with pytest.raises(BadInputError) as caught:
        train(Study(experiments=("wild",)), experiments=make_experiments(wild=wild))
    assert caught.value.message == (
        "experiments.wild.stage: demonstration_share and elite_share together exceed 1"
    )
    with pytest.raises(BadInputError, match="'first' is no variant of stage 1.*=train"):
        train(Study(experiments=("first",)), experiments=make_experiments(first=experiment()))


def test_text_in_changes_becomes_what_the_option_is() -> None:
    changes = {"hypothesis": "As text.", "stage": {"layer_norm": "false", "margin_weight": "0.5"}}
    experiments = Experiments.model_validate({"text": changes})
    base = StageOptions(budget=TrainingBudget(steps=10))
    options = variant_options(experiments, "text", base)
    assert (options.layer_norm, options.margin_weight.start) == (False, 0.5)


@pytest.mark.parametrize(("env", "n_variants"), [("base", 6), ("tuning", 16)])
def test_configured_variants_change_one_thing_each(env: str, n_variants: int) -> None:
    arguments: dict[str, Any] = {**settings.CONFIG_LOADER_ARGS}
    loader = OmegaConfigLoader(str(Path(__file__).parents[3] / "conf"), env=env, **arguments)
    parameters = loader["parameters"]
    experiments = Experiments.model_validate(parameters["experiments"])
    names = Study.model_validate(parameters["ablations"]).experiments
    agent = AgentOptions.model_validate(parameters["agent"])
    base = agent.applied_to(Stage.model_validate(parameters["dqnfd"]).options)
    full, *others = (variant_options(experiments, name, base).model_dump() for name in names)
    changed = {name for name, value in base.model_dump().items() if full[name] != value}
    assert changed == set()
    assert len(others) + 1 == n_variants
    for other in others:
        assert sum(other[name] != full[name] for name in full) == 1
