"""``kedro run --pipeline=ledger`` as a user runs it, and the notebooks that read it."""

import json
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import yaml
from mlflow import MlflowClient
from nbclient import NotebookClient

from tests.project_copy import ProjectCopy

pytestmark = pytest.mark.slow

NAMES = ["run0", "run0_cured", "algorithm_own_ppo", "algorithm_a2c"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> ProjectCopy:
    """A copy in which four experiments were run for some hundred steps."""
    copy = ProjectCopy(tmp_path_factory.mktemp("experiments") / "project")
    path = copy.folder / "conf/base/parameters_experiments.yml"
    parameters = yaml.safe_load(path.read_text())
    needed = {*NAMES, "algorithm_ppo"}
    experiments = {k: v for k, v in parameters["experiments"].items() if k in needed}
    parameters["experiments"] = experiments
    for experiment in experiments.values():
        if "training" in experiment:
            experiment["training"] = {
                "budget": {"steps": 960},
                "evaluation_every": 480,
                "log_every": 240,
            }
            experiment["evaluation"] = {"seeds": 4, "max_ticks": 60, "bootstrap_resamples": 100}
        if experiment.get("learning", {}).get("algorithm") == "qrdqn":
            tiny = {"n_quantiles": 8, "buffer_size": 500, "learning_starts": 100}
            experiment["learning"] |= tiny
    parameters["ledger"]["experiments"] = NAMES
    path.write_text(yaml.safe_dump(parameters, sort_keys=False))
    finished = copy.run("--pipelines=ledger", "--env=experiments")
    assert finished.returncode == 0, finished.stdout
    return copy


def test_one_experiment_is_run_by_its_name(project: ProjectCopy) -> None:
    arguments = ("--env=experiments", "--params=experiment=algorithm_own_ppo,seed=2")
    for pipeline in ("experiments", "train"):
        finished = project.run(f"--pipeline={pipeline}", *arguments)
        assert finished.returncode == 0, finished.stdout
    table = pd.read_csv(project.folder / "data/08_reporting/experiments.csv")
    assert table[["experiment", "seeds"]].to_numpy().tolist() == [["algorithm_own_ppo", 1]]
    agents = project.folder / "data/06_models/experiments/agents/small/algorithm_own_ppo"
    assert {path.name for path in agents.iterdir()} == {"1.safetensors", "2.safetensors"}


def test_the_ledger_has_a_row_per_experiment(project: ProjectCopy) -> None:
    reporting = project.folder / "data/08_reporting"
    table = pd.read_csv(reporting / "ledger.csv")
    assert table["experiment"].tolist() == NAMES
    assert table["gradient_steps_per_target"].tolist()[:2] == [16.0, 500.0]
    text = (reporting / "ledger.md").read_text()
    assert "**run0**: QR-DQN alone" in text
    for name in NAMES:
        cells = project.folder / "data/07_model_output/experiments/cells/small"
        assert json.loads((cells / f"{name}/1.json").read_text())["steps"] >= 960
        models = project.folder / "data/06_models/experiments/agents/small"
        assert (models / f"{name}/1.safetensors").exists()


def test_mlflow_has_a_child_per_experiment(project: ProjectCopy) -> None:
    client = MlflowClient(project.tracking_uri)
    ids = [experiment.experiment_id for experiment in client.search_experiments()]
    runs = client.search_runs(ids, "tags.experiment = 'run0'")
    assert [run.data.tags["algorithm"] for run in runs] == ["qrdqn"]
    assert runs[0].data.params["learning.target_update_interval"] == "512"
    assert "evaluation/mean_distance" in runs[0].data.metrics
    [parent] = client.search_runs(ids, "tags.mlflow.runName = 'ledger (experiments)'")
    experiment = client.get_experiment(parent.info.experiment_id)
    assert experiment.name == "qwop_wr_experiments"
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"
    for kind, suffix in (("agents", "safetensors"), ("cells", "json"), ("histories", "csv")):
        for name in NAMES:
            copies = client.list_artifacts(parent.info.run_id, f"experiments/{kind}/{name}")
            assert [Path(copy.path).name for copy in copies] == [f"1.{suffix}"]


@pytest.mark.parametrize("name", ["compare_algorithms", "dissect_collapse"])
def test_notebooks_run(project: ProjectCopy, name: str) -> None:
    path = project.folder / f"notebooks/{name}.ipynb"
    notebook = nbformat.reads(path.read_text(), as_version=4)  # type: ignore[no-untyped-call]
    assert all(not cell.get("outputs") for cell in notebook.cells), "outputs must be stripped"
    client = NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(path.parent)}}
    )
    client.execute()
