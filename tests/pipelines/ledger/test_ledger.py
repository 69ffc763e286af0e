"""All experiments side by side, each run once."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.state import TrainingState
from qwop_wr.errors import BadInputError
from qwop_wr.pipelines.ledger.nodes import choose_all, run_missing, tabulate_ledger
from qwop_wr.pipelines.ledger.options import LedgerOptions
from qwop_wr.pipelines.train.nodes import evaluate_experiments
from qwop_wr.pipelines.train.options import Experiments
from tests.pipelines.train.conftest import experiment
from tests.pipelines.train.test_train import stored


def run(
    experiments: Experiments, before: Mapping[str, TrainingState], *names: str
) -> list[dict[str, TrainingState]]:
    chosen = choose_all(experiments, LedgerOptions(experiments=names), "small", seed=1)
    return list(run_missing(chosen, stored(before)))


def test_parents_come_first_and_what_is_finished_is_only_gathered(
    experiments: Experiments,
) -> None:
    steps = run(experiments, {}, "second")
    assert [key for step in steps for key in step] == ["small/first"] * 3 + ["small/second"]
    finished = {**steps[2], **steps[3]}
    assert run(experiments, finished, "second") == []
    # One that was stopped is gone on with, and only that one.
    stopped = {**finished, **steps[0]}
    again = run(experiments, stopped, "second")
    assert [step["small/first"].facts["steps"] for step in again] == [128, 192]


def test_another_configuration_is_run_anew_with_all_that_follows(
    experiments: Experiments,
) -> None:
    steps = run(experiments, {})
    finished = {**steps[2], **steps[3]}
    changed = experiments.model_dump()
    changed["first"]["learning"]["gamma"] = 0.5
    again = run(Experiments.model_validate(changed), finished)
    assert [key for step in again for key in step] == ["small/first"] * 3 + ["small/second"]


def test_the_table_tells_what_came_of_each(experiments: Experiments) -> None:
    chosen = choose_all(experiments, LedgerOptions(), "small", seed=1)
    states: dict[str, TrainingState] = {}
    for step in run_missing(chosen, {}):
        states |= step
    agents: dict[str, Agent] = {}
    histories: dict[str, pd.DataFrame] = {}
    summaries: dict[str, dict[str, Any]] = {}
    for agent, history, summary, _ in evaluate_experiments(chosen, stored(states), {}):
        agents |= agent
        histories |= history
        summaries |= summary
    table, text, figure = tabulate_ledger(chosen, stored(summaries), stored(histories))
    assert table["experiment"].tolist() == ["first", "second"]
    assert table["steps"].tolist() == [192, 64]
    assert table["agent"].tolist() == [agents[one.key].fingerprint for one in chosen]
    lines = text.splitlines()
    assert lines[2].startswith("| first | own_ppo | 192 |  | ")
    best = table["best_evaluated_distance"][0]
    assert f"| {best:.1f} m |" in lines[2]
    assert "**second**: It runs. Originally: it did. (somewhere.)" in text
    [labels] = [axes.get_legend_handles_labels()[1] for axes in figure.axes]
    assert labels == ["first", "second"]


def test_unknown_experiments_and_no_experiments() -> None:
    known = Experiments.model_validate({"first": experiment()})
    with pytest.raises(BadInputError, match="'thrid': there is no such experiment"):
        choose_all(known, LedgerOptions(experiments=("thrid",)), "small", 1)
    with pytest.raises(BadInputError, match="add --env=experiments"):
        choose_all(Experiments.model_validate({}), LedgerOptions(), "small", 1)
