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
    path = copy.folder / "conf/experiments/parameters.yml"
    experiments = yaml.safe_load(path.read_text())["experiments"]
    for experiment in experiments.values():
        experiment["small"] = {
            "training": {"budget": {"steps": 960}, "evaluation_every": 480, "log_every": 240},
            "evaluation": {"seeds": 4, "max_ticks": 60, "bootstrap_resamples": 100},
        }
        if experiment["learning"]["algorithm"] == "qrdqn":
            tiny = {"n_quantiles": 8, "buffer_size": 500, "learning_starts": 100}
            experiment["small"]["learning"] = tiny
    kept = {"experiments": {name: experiments[name] for name in NAMES}}
    path.write_text(yaml.safe_dump(kept, sort_keys=False))
    finished = copy.run("--pipelines=ledger", "--env=experiments")
    assert finished.returncode == 0, finished.stdout
    return copy


def test_the_ledger_has_a_row_per_experiment(project: ProjectCopy) -> None:
    reporting = project.folder / "data/08_reporting"
    table = pd.read_csv(reporting / "ledger.csv")
    assert table["experiment"].tolist() == NAMES
    assert table["gradient_steps_per_target"].tolist()[:2] == [16.0, 500.0]
    text = (reporting / "ledger.md").read_text()
    assert "**run0**: QR-DQN alone" in text
    for name in NAMES:
        summary = json.loads((reporting / f"experiments/summaries/small/{name}.json").read_text())
        assert summary["steps"] >= 960
        models = project.folder / "data/06_models/experiments/agents/small"
        assert (models / f"{name}.safetensors").exists()


def test_mlflow_has_a_child_per_experiment(project: ProjectCopy) -> None:
    client = MlflowClient(project.tracking_uri)
    ids = [experiment.experiment_id for experiment in client.search_experiments()]
    runs = client.search_runs(ids, "tags.experiment = 'run0'")
    assert [run.data.tags["algorithm"] for run in runs] == ["qrdqn"]
    assert runs[0].data.params["learning.target_update_interval"] == "512"
    assert "evaluation/mean_distance" in runs[0].data.metrics
    [parent] = client.search_runs(ids, "tags.mlflow.runName = 'ledger (experiments)'")
    for kind, suffix in (("agents", "safetensors"), ("summaries", "json"), ("curves", "png")):
        copies = client.list_artifacts(parent.info.run_id, f"experiments/{kind}")
        assert {Path(copy.path).name for copy in copies} == {f"{name}.{suffix}" for name in NAMES}


@pytest.mark.parametrize("name", ["compare_algorithms", "dissect_collapse"])
def test_notebooks_run(project: ProjectCopy, name: str) -> None:
    path = project.folder / f"notebooks/{name}.ipynb"
    notebook = nbformat.reads(path.read_text(), as_version=4)  # type: ignore[no-untyped-call]
    assert all(not cell.get("outputs") for cell in notebook.cells), "outputs must be stripped"
    client = NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(path.parent)}}
    )
    client.execute()
