"""One experiment, from its name to its results."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from qwop_wr.agents.state import TrainingState
from qwop_wr.agents.training import training_result
from qwop_wr.errors import BadInputError
from qwop_wr.pipelines.train.nodes import (
    choose_experiment,
    evaluate_experiments,
    train_experiment,
)
from qwop_wr.pipelines.train.options import Experiments


def stored(values: Mapping[str, Any]) -> dict[str, Callable[[], Any]]:
    return {key: lambda value=value: value for key, value in values.items()}  # type: ignore[misc]


def train(
    experiments: Experiments,
    name: str,
    before: Mapping[str, TrainingState] | None = None,
    resume: bool = False,
) -> list[dict[str, TrainingState]]:
    chosen = choose_experiment(experiments, name, "small", seed=1)
    return list(train_experiment(chosen, stored(before or {}), resume))


@pytest.fixture
def first(experiments: Experiments) -> dict[str, TrainingState]:
    return train(experiments, "first")[-1]


def test_an_experiment_is_trained_and_evaluated(
    experiments: Experiments, first: dict[str, TrainingState]
) -> None:
    chosen = choose_experiment(experiments, "first", "small", seed=1)
    [(agents, histories, summaries, curves)] = evaluate_experiments(chosen, stored(first), {})
    key = "small/first"
    assert agents.keys() == histories.keys() == summaries.keys() == curves.keys() == {key}
    summary = summaries[key]
    assert summary["agent"] == agents[key].fingerprint
    assert agents[key].fingerprint == training_result(first[key]).agent.fingerprint
    assert (summary["steps"], summary["seeds"]) == (192, 4)
    assert (summary["algorithm"], summary["finished"]) == ("own_ppo", True)
    distances = histories[key].query("metric == 'evaluation/mean_distance'")["value"]
    assert summary["best_evaluated_distance"] == distances.max()
    assert agents[key].card["experiment"] == "first"
    assert list(evaluate_experiments(chosen, stored(first), stored(summaries))) == []
    other = {key: {**summary, "task": "another"}}
    assert len(list(evaluate_experiments(chosen, stored(first), stored(other)))) == 1


def test_a_training_is_gone_on_with_only_if_asked(experiments: Experiments) -> None:
    states = train(experiments, "first")
    assert [step["small/first"].facts["steps"] for step in states] == [64, 128, 192]
    resumed = train(experiments, "first", states[0], resume=True)
    assert [step["small/first"].facts["steps"] for step in resumed] == [128, 192]
    best = [training_result(run[-1]["small/first"]).agent.fingerprint for run in (states, resumed)]
    assert best[0] == best[1]
    assert len(train(experiments, "first", states[-1])) == 3
    assert len(train(experiments, "first", states[-1], resume=True)) == 1


def test_an_experiment_begins_where_another_was(
    experiments: Experiments, first: dict[str, TrainingState]
) -> None:
    [child] = train(experiments, "second", first)
    assert child["small/second"].facts["begin_with"] is not None
    with pytest.raises(BadInputError, match="first: kedro run .*experiment=first,scale=small"):
        train(experiments, "second")
    stale = {"small/first": first["small/first"].noting(task="another")}
    with pytest.raises(BadInputError, match="no such checkpoint of the present configuration"):
        train(experiments, "second", stale)


def test_a_training_of_other_options_is_not_gone_on_with(experiments: Experiments) -> None:
    begun = train(experiments, "first")[0]
    changed = experiments.model_dump()
    changed["first"]["learning"]["gamma"] = 0.5
    with pytest.raises(BadInputError, match="small/first: .*other learning"):
        train(Experiments.model_validate(changed), "first", begun, resume=True)
