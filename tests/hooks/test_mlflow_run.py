"""The MLflow run: where it is kept, and how it ends."""

import contextlib
import logging
import os
import shutil
from pathlib import Path
from typing import Any

import mlflow
import pytest

from tests.tiny_project.project import TinyProject


@pytest.mark.parametrize(
    ("trouble", "error", "status"),
    [
        (None, None, "FINISHED"),
        ("boom", RuntimeError, "FAILED"),
        ("SIGINT", KeyboardInterrupt, "KILLED"),
        ("SIGTERM", KeyboardInterrupt, "KILLED"),
    ],
)
def test_runs_end_as_the_pipeline_does(
    tiny_project: TinyProject, trouble: str | None, error: type[BaseException] | None, status: str
) -> None:
    with pytest.raises(error) if error else contextlib.nullcontext():
        tiny_project.run(params={"stage": {"trouble": trouble}})
    runs = tiny_project.runs()
    assert {name: run.info.status for name, run in runs.items()} == {
        "default (base)": status,
        "train": status,
    }
    assert all(run.info.end_time is not None for run in runs.values())
    assert mlflow.active_run() is None


def test_the_experiment_opens_on_its_runs(tiny_project: TinyProject) -> None:
    client = mlflow.MlflowClient()
    tiny_project.run()
    experiment = client.get_experiment_by_name("qwop_wr")
    assert experiment is not None
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"
    # Whoever has chosen another page keeps it.
    client.set_experiment_tag(experiment.experiment_id, "mlflow.experimentKind", "genai")
    tiny_project.run()
    assert client.get_experiment(experiment.experiment_id).tags["mlflow.experimentKind"] == "genai"


def _count(project: TinyProject, trouble: str | None = None, resume: bool = False) -> None:
    params = {"stage": {"trouble": trouble}, "resume": resume}
    project.run(pipeline_names=["counting"], params=params)


def _counted(run_id: str) -> list[float]:
    return sorted(m.value for m in mlflow.MlflowClient().get_metric_history(run_id, "count"))


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_training_that_goes_on_goes_on_with_its_runs(
    tiny_project: TinyProject, name: str
) -> None:
    with pytest.raises(KeyboardInterrupt):
        _count(tiny_project, name)
    first = tiny_project.runs()
    assert {run.info.status for run in first.values()} == {"KILLED"}
    _count(tiny_project, resume=True)
    second = tiny_project.runs()
    assert {n: r.info.run_id for n, r in second.items()} == {
        n: r.info.run_id for n, r in first.items()
    }
    assert {run.info.status for run in second.values()} == {"FINISHED"}
    # The step under way was saved before the stop.
    assert _counted(second["counting"].info.run_id) == [1, 2, 3, 4]
    assert second["counting (base)"].data.params["resume"] == "False", "its first value stays"


def test_a_training_that_begins_anew_has_runs_of_its_own(tiny_project: TinyProject) -> None:
    with pytest.raises(KeyboardInterrupt):
        _count(tiny_project, "SIGTERM")
    killed = tiny_project.runs()["counting (base)"]
    _count(tiny_project)
    assert tiny_project.runs()["counting (base)"].info.run_id != killed.info.run_id
    # What has ended is over: to go on with it is a run of its own, too.
    ended = tiny_project.runs()["counting (base)"]
    _count(tiny_project, resume=True)
    assert tiny_project.runs()["counting (base)"].info.run_id != ended.info.run_id


def test_one_experiment_of_several_goes_on_with_its_runs(tiny_project: TinyProject) -> None:
    def go_on(name: str, trouble: str | None = None) -> None:
        params = {"stage": {"trouble": trouble}, "resume": True, "name": name}
        tiny_project.run(pipeline_names=["experiment"], params=params)

    for name in ("slow", "fast"):
        with pytest.raises(KeyboardInterrupt):
            go_on(name, "SIGTERM")
    go_on("slow")
    go_on("new")
    client = mlflow.MlflowClient()
    runs = client.search_runs([one.experiment_id for one in client.search_experiments()])
    status = {run.info.run_id: run.info.status for run in runs}
    parents = {
        run.info.run_name: status.pop(run.data.tags["mlflow.parentRunId"])
        for run in runs
        if run.info.run_name.startswith("small/")
    }
    assert parents == {"small/slow": "FINISHED", "small/fast": "KILLED", "small/new": "FINISHED"}
    assert len(status) == 3, "a child each, and no run besides"


def test_runs_that_the_store_has_lost_are_begun_anew(tiny_project: TinyProject) -> None:
    with pytest.raises(KeyboardInterrupt):
        _count(tiny_project, "SIGTERM")
    client = mlflow.MlflowClient()
    for run in tiny_project.runs().values():
        client.delete_run(run.info.run_id)
    _count(tiny_project, resume=True)
    runs = tiny_project.runs()
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    assert _counted(runs["counting"].info.run_id) == [4]


def test_a_run_opened_by_others_stays_open(tiny_project: TinyProject) -> None:
    mlflow.set_experiment("qwop_wr")
    with mlflow.start_run(run_name="sweep") as outer:
        with pytest.raises(KeyboardInterrupt):
            tiny_project.run(params={"stage": {"trouble": "SIGTERM"}})
        active = mlflow.active_run()
        assert active is not None
        assert active.info.run_id == outer.info.run_id
    runs = tiny_project.runs()
    assert (runs["sweep"].info.status, runs["train"].info.status) == ("FINISHED", "KILLED")


def test_without_a_server_runs_are_kept_in_the_project(
    tiny_project: TinyProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The fixture's database is already where the project's own would be.
    del os.environ["MLFLOW_TRACKING_URI"]
    elsewhere = tmp_path / "notebooks"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    tiny_project.run()
    assert mlflow.get_tracking_uri() == f"sqlite:///{tmp_path}/mlflow.db"
    experiment = mlflow.get_experiment_by_name("qwop_wr")
    assert experiment is not None
    assert experiment.artifact_location == f"file://{tmp_path}/mlartifacts"
    assert list((tmp_path / "mlartifacts").rglob("numbers.json"))
    assert not list(elsewhere.iterdir())


def test_the_environment_names_a_server(tiny_project: TinyProject, tmp_path: Path) -> None:
    server = tmp_path / "server" / "team.db"
    server.parent.mkdir()
    shutil.move(tmp_path / "mlflow.db", server)
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{server}"
    tiny_project.run()
    assert mlflow.get_tracking_uri() == f"sqlite:///{server}"
    assert not (tmp_path / "mlflow.db").exists()
    assert "train" in tiny_project.runs()


def test_configuration_names_a_server(tiny_project: TinyProject, tmp_path: Path) -> None:
    server = f"sqlite:///{tmp_path}/configured.db"
    shutil.copy(tmp_path / "mlflow.db", tmp_path / "configured.db")
    del os.environ["MLFLOW_TRACKING_URI"]
    tiny_project.write("smoke/mlflow.yml", {"server": {"mlflow_tracking_uri": server}})
    tiny_project.run(env="smoke")
    assert mlflow.get_tracking_uri() == server


def test_a_server_that_is_gone_is_told_once_and_stops_nothing(
    tiny_project: TinyProject, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    tiny_project.store_everything()
    for _ in range(2):  # every session tells it
        caplog.clear()
        with caplog.at_level(logging.WARNING, logger="qwop_wr"):
            tiny_project.run()
        assert (tiny_project.path / "data/result.json").exists()
        told = [record.message for record in caplog.records if "MLflow could not" in record.message]
        assert len(told) == 1
        assert "the run continues without it" in told[0]
        assert mlflow.active_run() is None


def lost(*args: object, **kwargs: object) -> object:
    raise mlflow.MlflowException("the store is gone")


METRICS = {"type": "qwop_wr.tracking.metrics_dataset.MlflowMetricsDataset", "prefix": "stage"}


def test_a_store_lost_on_the_way_stops_nothing(
    tiny_project: TinyProject, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    starts = iter([mlflow.start_run])

    def start_once(*args: Any, **kwargs: Any) -> object:
        return next(starts, lost)(*args, **kwargs)

    monkeypatch.setattr(mlflow, "start_run", start_once)
    with caplog.at_level(logging.WARNING, logger="qwop_wr"):
        tiny_project.run()
    assert (tiny_project.path / "data/result.json").exists()
    assert [record.message for record in caplog.records if "store is gone" in record.message]
    assert mlflow.active_run() is None
    assert tiny_project.runs()["default (base)"].info.status == "FAILED"


def test_a_store_lost_before_metrics_are_saved_stops_nothing(
    tiny_project: TinyProject, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    entry = {**METRICS, "metadata": {"kedro-viz": {"layer": "reporting"}}}
    tiny_project.write("base/catalog_metrics.yml", {"ticks_metrics": entry})
    monkeypatch.setattr(mlflow.MlflowClient, "log_metric", lost)
    with caplog.at_level(logging.WARNING, logger="qwop_wr"):
        tiny_project.run(pipeline_names=["measured"])
    (told,) = [record.message for record in caplog.records if "MLflow could not" in record.message]
    assert "take 1 metrics, which the files" in told
    assert tiny_project.runs()["measured (base)"].info.status == "FINISHED"


def test_metrics_that_are_saved_arrive(tiny_project: TinyProject) -> None:
    tiny_project.write("base/catalog_metrics.yml", {"ticks_metrics": METRICS})
    tiny_project.run(pipeline_names=["measured"])
    assert tiny_project.runs()["measured (base)"].data.metrics == {"stage.ticks": 3.0}


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interruption_without_a_store_is_still_one(
    tiny_project: TinyProject, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlflow.MlflowClient, "set_terminated", lost)
    with pytest.raises(KeyboardInterrupt):
        tiny_project.run(params={"stage": {"trouble": name}})
    assert mlflow.active_run() is None
