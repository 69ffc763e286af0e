"""Experiments from their names to their results, alone and side by side."""

from collections.abc import Mapping

import pandas as pd
import pytest

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.state import TrainingState
from qwop_wr.agents.training import training_result
from qwop_wr.errors import BadInputError
from qwop_wr.pipelines.experiments import create_study
from qwop_wr.pipelines.experiments.nodes import (
    choose_experiment,
    choose_study,
    evaluate_experiments,
    tabulate_study,
    train_experiment,
    train_missing,
)
from qwop_wr.pipelines.experiments.options import Experiments, Study
from qwop_wr.pipelines.experiments.table import Cell
from tests.pipelines.experiments.conftest import stored


def train(
    experiments: Experiments,
    name: str,
    before: Mapping[str, TrainingState] | None = None,
    resume: bool = False,
) -> list[dict[str, TrainingState]]:
    chosen, _ = choose_experiment(experiments, name, seed=1)
    return list(train_experiment(chosen, stored(before or {}), resume))


def run_study(
    experiments: Experiments,
    before: Mapping[str, TrainingState],
    *names: str,
    seeds: tuple[int, ...] = (1,),
) -> list[dict[str, TrainingState]]:
    chosen, _ = choose_study(experiments, Study(experiments=names, seeds=seeds), seed=7)
    return list(train_missing(chosen, stored(before)))


@pytest.fixture
def first(experiments: Experiments) -> dict[str, TrainingState]:
    return train(experiments, "first")[-1]


def test_an_experiment_is_trained_and_evaluated(
    experiments: Experiments, first: dict[str, TrainingState]
) -> None:
    chosen, study = choose_experiment(experiments, "first", seed=1)
    assert study == Study(experiments=("first",), seeds=(1,))
    empty, (agents, histories, cells) = evaluate_experiments(chosen, stored(first), {})
    key = "first/1"
    assert agents.keys() == histories.keys() == cells.keys() == {key}
    cell = cells[key]
    assert cell["agent"] == agents[key].fingerprint
    assert agents[key].fingerprint == training_result(first[key]).agent.fingerprint
    assert (cell["steps"], cell["seeds"]) == (192, 4)
    assert (cell["algorithm"], cell["finished"]) == ("own_ppo", True)
    assert 0 <= cell["mean_knee_near_ground"] <= 1
    distances = histories[key].query("metric == 'evaluation/mean_distance'")["value"]
    assert cell["best_evaluated_distance"] == distances.max()
    assert agents[key].card["experiment"] == "first"
    assert list(evaluate_experiments(chosen, stored(first), stored(cells))) == [empty]
    other = {key: {**cell, "task": "another"}}
    assert len(list(evaluate_experiments(chosen, stored(first), stored(other)))) == 2


def test_a_study_of_which_all_is_there_runs_through(
    experiments: Experiments, first: dict[str, TrainingState]
) -> None:
    chosen, _ = choose_experiment(experiments, "first", seed=1)
    *_, (_, _, cells) = evaluate_experiments(chosen, stored(first), {})
    [evaluate] = [n for n in create_study("ledger").nodes if n.name == "evaluate_experiments"]
    inputs = {
        "chosen_runs": chosen,
        "experiment_trainings": stored(first),
        "stored_experiment_cells": stored(cells),
    }
    saved = {name: list(steps) for name, steps in evaluate.run(inputs).items()}
    assert saved == {name: [{}] for name in evaluate.outputs}


def test_a_training_is_gone_on_with_only_if_asked(experiments: Experiments) -> None:
    states = train(experiments, "first")
    assert [step["first/1"].facts["steps"] for step in states] == [64, 128, 192]
    resumed = train(experiments, "first", states[0], resume=True)
    assert [step["first/1"].facts["steps"] for step in resumed] == [128, 192]
    best = [training_result(run[-1]["first/1"]).agent.fingerprint for run in (states, resumed)]
    assert best[0] == best[1]
    assert len(train(experiments, "first", states[-1])) == 3
    assert len(train(experiments, "first", states[-1], resume=True)) == 1


def test_an_experiment_begins_where_another_was(
    experiments: Experiments, first: dict[str, TrainingState]
) -> None:
    [child] = train(experiments, "second", first)
    assert child["second/1"].facts["begin_with"] is not None
    with pytest.raises(BadInputError, match="first: kedro run .*experiment=first,seed=1"):
        train(experiments, "second")
    stale = {"first/1": first["first/1"].with_facts(task="another")}
    with pytest.raises(BadInputError, match="no such checkpoint of the present configuration"):
        train(experiments, "second", stale)


def test_a_training_of_other_options_is_not_gone_on_with(experiments: Experiments) -> None:
    begun = train(experiments, "first")[0]
    with pytest.raises(BadInputError, match="first/1: .*other learning"):
        train(with_gamma(experiments, 0.5), "first", begun, resume=True)


def test_parents_come_first_and_what_is_finished_is_only_gathered(
    experiments: Experiments,
) -> None:
    steps = run_study(experiments, {}, "second")
    assert [key for step in steps for key in step] == ["first/1"] * 3 + ["second/1"]
    finished = {**steps[2], **steps[3]}
    assert run_study(experiments, finished, "second") == []
    # One that was stopped is gone on with, and only that one.
    stopped = {**finished, **steps[0]}
    again = run_study(experiments, stopped, "second")
    assert [step["first/1"].facts["steps"] for step in again] == [128, 192]


def test_another_configuration_is_run_anew_with_all_that_follows(
    experiments: Experiments,
) -> None:
    steps = run_study(experiments, {}, "second")
    finished = {**steps[2], **steps[3]}
    again = run_study(with_gamma(experiments, 0.5), finished, "second")
    assert [key for step in again for key in step] == ["first/1"] * 3 + ["second/1"]


def test_what_is_only_shown_makes_no_other_run(experiments: Experiments) -> None:
    steps = run_study(experiments, {}, "first")
    values = experiments.model_dump()
    values["first"]["training"] |= {"progress_bar": True, "tensorboard": None}
    assert run_study(Experiments.model_validate(values), steps[-1], "first") == []


def test_seeds_are_the_outer_loop(experiments: Experiments) -> None:
    chosen, _ = choose_study(
        experiments, Study(experiments=("second", "first"), seeds=(3, 2)), seed=1
    )
    assert [run.key for run in chosen] == ["first/3", "second/3", "first/2", "second/2"]
    assert [run.parent.key for run in chosen if run.parent] == ["first/3", "first/2"]
    assert len({run.task for run in chosen}) == 4
    one, alone = choose_study(experiments, Study(experiments=("first",)), seed=1)
    assert ([run.key for run in one], alone.seeds) == (["first/1"], (1,))


def test_the_table_tells_what_came_of_each(experiments: Experiments) -> None:
    chosen, study = choose_study(experiments, Study(experiments=("first", "second")), seed=1)
    states: dict[str, TrainingState] = {}
    for step in train_missing(chosen, {}):
        states |= step
    agents: dict[str, Agent] = {}
    histories: dict[str, pd.DataFrame] = {}
    cells: dict[str, Cell] = {}
    for agent, history, cell in evaluate_experiments(chosen, stored(states), {}):
        agents |= agent
        histories |= history
        cells |= cell
    table, text, shown, figure = tabulate_study(
        stored(cells), stored(histories), experiments, study, seed=1
    )
    assert table["experiment"].tolist() == ["first", "second"]
    assert table["steps"].tolist() == [192, 64]
    lines = text.splitlines()
    assert lines[2].startswith("| first | own_ppo | 1 | 192 | ")
    assert f"| {table['best_evaluated_distance'][0]:.1f} m |" in lines[2]
    assert "**second**: It runs on. Originally: it did. (somewhere.)" in text
    assert shown["rows"][1][:4] == ["second", "own_ppo", "1", "64"]
    [labels] = [axes.get_legend_handles_labels()[1] for axes in figure.axes]
    assert labels == ["first/1", "second/1"]


def test_unknown_experiments_and_variants_of_stage_1(experiments: Experiments) -> None:
    with pytest.raises(BadInputError, match="'thrid': there is no such experiment"):
        run_study(experiments, {}, "thrid")
    values = {**experiments.model_dump(), "stage": {"hypothesis": "It learns.", "stage": {}}}
    with pytest.raises(BadInputError, match="'stage' is a variant of stage 1.*=ablations"):
        train(Experiments.model_validate(values), "stage")


def with_gamma(experiments: Experiments, gamma: float) -> Experiments:
    changed = experiments.model_dump()
    for one in changed.values():
        one["learning"]["gamma"] = gamma
    return Experiments.model_validate(changed)
