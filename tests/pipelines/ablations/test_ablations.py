"""Variants of a stage: trained once each, then summed up."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from kedro.config import OmegaConfigLoader
from pydantic import ValidationError

from qwop_wr import settings
from qwop_wr.agents.agent import Agent
from qwop_wr.agents.rollout import play_episodes
from qwop_wr.agents.stage import StageOptions
from qwop_wr.compute import SERIAL, WorkContext
from qwop_wr.datasets import Recording
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv
from qwop_wr.errors import BadInputError
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.pipelines.ablations.nodes import tabulate_variants, train_variants
from qwop_wr.pipelines.ablations.options import AblationOptions
from qwop_wr.pipelines.ablations.training import Variant, VariantTraining, train_variant
from qwop_wr.pipelines.games import GamesOptions
from qwop_wr.pipelines.reporting.report_tables import checked_table
from qwop_wr.pipelines.training.nodes import Stage
from qwop_wr.pipelines.variants import Cell


def make_options(**changes: object) -> AblationOptions:
    fields = {
        "variants": {"full": {}, "without_margin": {"margin_weight": 0.0}},
        "seeds": [1, 2],
        "budget": {"steps": 200},
        **changes,
    }
    return AblationOptions.model_validate(fields)


def loaders(cells: Mapping[str, Cell]) -> dict[str, Callable[[], Cell]]:
    return {key: partial(dict, cell) for key, cell in cells.items()}


@pytest.fixture
def demonstrations(agent: Agent, environment: EnvironmentOptions) -> Recording:
    env = QwopVectorEnv(4, environment, autoreset=False)
    episodes = play_episodes(agent.policy(), env, [1, 2, 3, 4], record=True)
    assert episodes.transitions is not None
    return Recording(episodes.transitions, environment.interface)


@pytest.fixture
def train(
    demonstrations: Recording, environment: EnvironmentOptions, stage_options: StageOptions
) -> Callable[..., dict[str, Cell]]:
    stage = StageOptions.model_validate(
        stage_options.model_dump() | {"demonstration_share": 0.5, "pretraining_steps": 5}
    )

    def run(
        options: AblationOptions, finished: Mapping[str, Cell] | None = None
    ) -> dict[str, Cell]:
        cells: dict[str, Cell] = {}
        for cell in train_variants(
            loaders(finished or {}),
            demonstrations,
            environment,
            Stage(name="toy", games=GamesOptions(n_games=4), options=stage),
            EvaluationOptions(max_ticks=40),
            options,
            SERIAL,
        ):
            cells |= cell
        return cells

    return run


def test_every_variant_is_trained_with_every_seed(train: Callable[..., dict[str, Cell]]) -> None:
    cells = train(make_options())
    assert list(cells) == ["full/1", "without_margin/1", "full/2", "without_margin/2"]
    assert len({cell["task"] for cell in cells.values()}) == 2, "a task is a variant's"
    for cell in cells.values():
        assert cell["steps"] == 200
        assert cell["starts"] == 4
        assert 0 <= cell["finish_rate"] <= 1


def test_a_training_elsewhere_is_logged_by_the_driver(
    demonstrations: Recording,
    environment: EnvironmentOptions,
    stage_options: StageOptions,
    tracking_uri: str,
) -> None:
    """It comes to the same, and gets its child run when it is back."""
    stage = StageOptions.model_validate(
        stage_options.model_dump() | {"demonstration_share": 0.5, "pretraining_steps": 5}
    )
    training = VariantTraining(
        demonstrations.transitions_for(environment.interface), 4, environment, environment
    )
    variant = Variant("full", 1, make_options().stage("full", stage))
    here, there = (
        train_variant(training, variant, WorkContext(lambda: False, in_process))
        for in_process in (True, False)
    )
    assert {**there.outcome, "processor_seconds": 0} == {**here.outcome, "processor_seconds": 0}
    assert there.outcome["processor_seconds"] > 0
    assert here.unlogged is None
    assert there.unlogged is not None
    mlflow.set_tracking_uri(tracking_uri)
    with mlflow.start_run() as parent:
        here.log(variant)
        there.log(variant)
    client = mlflow.MlflowClient()
    query = f"tags.mlflow.parentRunId = '{parent.info.run_id}'"
    (child,) = client.search_runs([parent.info.experiment_id], query)
    assert (child.info.run_name, child.info.status) == ("full 1", "FINISHED")
    sent = client.get_metric_history(child.info.run_id, "evaluation/finish_rate")
    rates = there.unlogged.query("metric == 'evaluation/finish_rate'")
    assert {(one.step, one.value) for one in sent} == set(
        zip(rates["step"], rates["value"], strict=True)
    )


def test_finished_cells_are_not_trained_again(train: Callable[..., dict[str, Cell]]) -> None:
    cells = train(make_options(seeds=[1]))
    more = train(make_options(), cells)
    assert list(more) == ["full/2", "without_margin/2"]
    assert train(make_options(), cells | more) == {}
    # Other parameters make other cells.
    assert len(train(make_options(seeds=[1], budget={"steps": 100}), cells)) == 2


def test_changes_that_do_not_fit_are_told_in_one_line(
    train: Callable[..., dict[str, Cell]],
) -> None:
    with pytest.raises(BadInputError, match="ablations.variants.wild: .*margin_wait"):
        train(make_options(variants={"wild": {"margin_wait": 1.0}}))


def make_cell(variant: str, seed: int, rate: float, time: float | None) -> Cell:
    return {
        "variant": variant,
        "seed": seed,
        "task": "t",
        "finish_rate": rate,
        "mean_cost": 50.0,
        "last_finish_rate": rate,
        "rollbacks": 0,
        "processor_seconds": 90.0,
        "median_time": time,
    }


def test_the_table_has_interquartile_means_and_intervals() -> None:
    rates = [0.1, 0.5, 0.6, 0.7, 0.8]
    cells = {f"full/{i}": make_cell("full", i, rate, 46.0) for i, rate in enumerate(rates)}
    cells["without_margin/0"] = make_cell("without_margin", 0, 0.0, None)
    options = make_options(seeds=range(5))
    table, text, shown = tabulate_variants(loaders(cells), options)
    columns, rows = checked_table(shown) or ([], [])
    assert columns[:3] == ["variant", "seeds", "finish rate"]
    assert rows[1][:4] == ["without_margin", "1", "0.0 %", "none"]
    full, other = table.to_dict("records")
    # Of five, the least and the greatest are left out.
    assert full["finish_rate"] == pytest.approx(0.6)
    assert 0.1 <= full["finish_rate_low"] < 0.6 < full["finish_rate_high"] <= 0.8
    assert (full["seeds"], other["seeds"]) == (5, 1)
    assert np.isnan(other["median_time"])
    assert np.isnan(other["finish_rate_low"])
    lines = text.splitlines()
    assert lines[2].startswith("| full | 5 | 60.0 % (")
    assert "46.00 s (46.00 to 46.00)" in lines[2]
    assert lines[3] == "| without_margin | 1 | 0.0 % | none | 50.0 s | 0.0 % | 0.0 | 1.5 min |"
    pd.testing.assert_frame_equal(table, tabulate_variants(loaders(cells), options)[0])


def test_variants_that_never_finish_have_a_table_too() -> None:
    cells = {f"{name}/1": make_cell(name, 1, 0.0, None) for name in make_options().variants}
    table, text, _ = tabulate_variants(loaders(cells), make_options())
    assert table["median_time"].isna().all()
    assert text.count("| none |") == 2


@pytest.mark.parametrize(("env", "n_variants"), [("base", 6), ("tuning", 12)])
def test_configured_variants_change_one_thing_each(env: str, n_variants: int) -> None:
    arguments: dict[str, Any] = {**settings.CONFIG_LOADER_ARGS}
    loader = OmegaConfigLoader(str(Path(__file__).parents[3] / "conf"), env=env, **arguments)
    options = AblationOptions.model_validate(loader["parameters"]["ablations"])
    base = Stage.model_validate(loader["parameters"]["dqnfd"]).options
    full, *others = (options.stage(name, base).model_dump() for name in options.names)
    assert full == {**base.model_dump(), "budget": options.budget.model_dump()}
    assert len(others) + 1 == len(options.names) == n_variants
    for other in others:
        assert sum(other[name] != full[name] for name in full) == 1


def test_only_the_chosen_are_compared(train: Callable[..., dict[str, Cell]]) -> None:
    options = make_options(seeds=[1], chosen=["without_margin"])
    cells = train(options)
    assert list(cells) == ["without_margin/1"]
    table, _, _ = tabulate_variants(loaders(cells), options)
    assert table["variant"].tolist() == ["without_margin"]


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (["without_margins"], "no variant 'without_margins'; .*without_margin"),
        (["full", "full"], "repeat themselves"),
    ],
)
def test_a_wrong_choice_is_told(chosen: list[str], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        make_options(chosen=chosen)


def test_a_variant_without_trainings_is_named() -> None:
    cells = {"full/1": make_cell("full", 1, 0.5, 46.0)}
    with pytest.raises(BadInputError, match="'without_margin' has not been trained"):
        tabulate_variants(loaders(cells), make_options())
