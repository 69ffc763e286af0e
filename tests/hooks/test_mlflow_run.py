"""The MLflow run: where it is kept, and how it ends."""

import logging
import os
import shutil
from pathlib import Path

import mlflow
import pytest

from tests.tiny_project.project import TinyProject


def test_finished(tiny_project: TinyProject) -> None:
    tiny_project.run()
    assert {name: run.info.status for name, run in tiny_project.runs().items()} == {
        "default (base)": "FINISHED",
        "train": "FINISHED",
    }
    assert mlflow.active_run() is None


def test_exception_is_failed(tiny_project: TinyProject) -> None:
    with pytest.raises(RuntimeError, match="boom"):
        tiny_project.run(params={"stage": {"trouble": "boom"}})
    assert {run.info.status for run in tiny_project.runs().values()} == {"FAILED"}
    assert mlflow.active_run() is None


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_interruption_is_killed(tiny_project: TinyProject, name: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        tiny_project.run(params={"stage": {"trouble": name}})
    runs = tiny_project.runs()
    assert {name: run.info.status for name, run in runs.items()} == {
        "default (base)": "KILLED",
        "train": "KILLED",
    }
    assert all(run.info.end_time is not None for run in runs.values())
    assert mlflow.active_run() is None


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


def test_two_sessions_make_two_runs(tiny_project: TinyProject) -> None:
    tiny_project.run()
    tiny_project.run(env="smoke")
    runs = tiny_project.runs()
    assert {"default (base)", "default (smoke)"} <= runs.keys()
    assert runs["default (base)"].data.params["stage.options.steps"] == "4"
    assert runs["default (smoke)"].data.params["stage.options.steps"] == "2"


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
    with caplog.at_level(logging.WARNING, logger="qwop_wr"):
        tiny_project.run()
    assert (tiny_project.path / "data/result.json").exists()
    told = [record.message for record in caplog.records if "MLflow could not" in record.message]
    assert len(told) == 1
    assert "the run goes on without" in told[0]
    assert mlflow.active_run() is None


def test_a_store_lost_on_the_way_stops_nothing(
    tiny_project: TinyProject, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, calls = mlflow.start_run, 0

    def lost(*args: object, **kwargs: object) -> object:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise mlflow.MlflowException("the store is gone")
        return real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(mlflow, "start_run", lost)
    with caplog.at_level(logging.WARNING, logger="qwop_wr"):
        tiny_project.run()
    assert (tiny_project.path / "data/result.json").exists()
    assert [record.message for record in caplog.records if "store is gone" in record.message]
    assert mlflow.active_run() is None
    assert tiny_project.runs()["default (base)"].info.status == "FAILED"
