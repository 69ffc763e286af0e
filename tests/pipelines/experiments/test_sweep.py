"""A search: pruned, gone on with, told in a table."""

from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest
from kedro.io import DatasetError
from pydantic import ValidationError

from qwop_wr.datasets import StudyStorageDataset
from qwop_wr.errors import BadInputError
from qwop_wr.pipelines.experiments.options import Experiments
from qwop_wr.pipelines.experiments.sweep import SweepOptions, run_sweep
from tests.pipelines.experiments.conftest import experiment

SPACE = {
    "learning.gamma": {"type": "float", "low": 0.9, "high": 0.99},
    "learning.batch_size": {"type": "int", "low": 16, "high": 64, "log": True},
    "environment.actions": {"type": "categorical", "choices": ["minimal", "full"]},
}


def sweep_of(**changes: Any) -> SweepOptions:
    return SweepOptions.model_validate({"space": SPACE, "startup_trials": 1, **changes})


@pytest.fixture
def search(tmp_path: Path) -> Any:
    experiments = Experiments.model_validate({"first": experiment()})

    def run(sweep: SweepOptions) -> list[tuple[pd.DataFrame, dict[str, Any]]]:
        storage = StudyStorageDataset(filepath=str(tmp_path / "deep/sweep.db")).load()
        return list(run_sweep(experiments, "first", sweep, storage, 1))

    return run


def test_trials_are_pruned_kept_and_gone_on_with(
    search: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The second trial is told to stop at its first evaluation.
    monkeypatch.setattr(optuna.Trial, "should_prune", lambda trial: trial.number == 1)
    results = search(sweep_of(trials=3))
    assert [len(table) for table, _ in results] == [1, 2, 3]
    table, best = results[-1]
    assert table["state"].tolist() == ["complete", "pruned", "complete"]
    assert table["steps"].tolist() == [192, 64, 192]
    assert set(SPACE) <= set(table.columns)
    assert table["learning.gamma"].between(0.9, 0.99).all()
    complete = table[table["state"] == "complete"]
    assert best["value"] == complete["value"].max()
    assert best["parameters"]["learning.gamma"] == pytest.approx(
        table.set_index("trial").loc[best["trial"], "learning.gamma"]
    )
    again = search(sweep_of(trials=4))
    assert [len(rows) for rows, _ in again] == [3, 4]
    pd.testing.assert_frame_equal(again[0][0], table)
    # Another space is another study.
    other = search(sweep_of(trials=1, space={"n_games": {"type": "int", "low": 2, "high": 4}}))
    assert other[-1][1]["study"] != best["study"]


def test_the_median_prunes(search: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pruners = []
    ask = optuna.Study.ask

    def note(study: optuna.Study) -> optuna.Trial:
        pruners.append(study.pruner)
        return ask(study)

    monkeypatch.setattr(optuna.Study, "ask", note)
    search(sweep_of(trials=1))
    assert isinstance(pruners[0], optuna.pruners.MedianPruner)


def test_a_trial_left_behind_by_a_stop_is_not_counted(search: Any, tmp_path: Path) -> None:
    study_name = search(sweep_of(trials=1))[-1][1]["study"]
    storage = StudyStorageDataset(filepath=str(tmp_path / "deep/sweep.db")).load()
    optuna.load_study(study_name=study_name, storage=storage).ask()
    table, _ = search(sweep_of(trials=2))[-1]
    assert table["trial"].tolist() == [0, 2]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"space": {"learning.gama": SPACE["learning.gamma"]}}, "does not take 'gama'"),
        ({"space": {"games": {"type": "int", "low": 1, "high": 2}}}, "games"),
        ({"metric": "evaluation/speed"}, "there are evaluation/finish_rate"),
    ],
)
def test_what_cannot_be_searched(search: Any, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        search(sweep_of(trials=1, **changes))


@pytest.mark.parametrize(
    ("dimension", "said"),
    [
        ({"type": "float", "low": 2.0, "high": 1.0}, "low 2.0 is above high 1.0"),
        ({"type": "int", "low": 0, "high": 1, "log": True}, "no logarithm"),
        ({"type": "categorical", "choices": []}, "choices"),
        ({"type": "gaussian"}, "gaussian"),
    ],
)
def test_dimensions_that_are_none(dimension: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        sweep_of(space={"learning.gamma": dimension})


def test_experiments_that_begin_with_another_are_not_searched(
    experiments: Experiments, tmp_path: Path
) -> None:
    storage = StudyStorageDataset(filepath=str(tmp_path / "sweep.db")).load()
    with pytest.raises(BadInputError, match="second begins with first"):
        list(run_sweep(experiments, "second", sweep_of(), storage, 1))


def test_a_file_that_is_no_storage_is_named(tmp_path: Path) -> None:
    path = tmp_path / "sweep.db"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(DatasetError, match=r"sweep\.db: no usable study storage"):
        StudyStorageDataset(filepath=str(path)).load()
