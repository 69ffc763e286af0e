"""Stages as child runs: metrics, parameters and how they end."""

import logging
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import mlflow
import pytest
from mlflow.entities import Run
from pydantic import BaseModel

from qwop_wr.tracking import runs, stage_run


class Inner(BaseModel):
    depth: int = 2


class Options(BaseModel):
    rate: float = 0.5
    inner: Inner = Inner()


def only_child(parent: str) -> Run:
    experiment = mlflow.get_run(parent).info.experiment_id
    (child,) = mlflow.MlflowClient().search_runs(
        [experiment], f"tags.`mlflow.parentRunId` = '{parent}'"
    )
    return child


def active_run_id() -> str | None:
    run = mlflow.active_run()
    return None if run is None else str(run.info.run_id)


def history(run: Run, metric: str) -> list[tuple[int, float]]:
    found = mlflow.MlflowClient().get_metric_history(run.info.run_id, metric)
    return sorted((m.step, m.value) for m in found)


def test_child_run_of_the_active_one(run_id: str) -> None:
    with stage_run("dqnfd", {"options": Options(), "games": {"n": 3}}) as sink:
        sink({"loss": 1.0, "distance": 5}, 10)
        sink({"loss": 0.5}, 20)
    child = only_child(run_id)
    assert (child.info.run_name, child.info.status) == ("dqnfd", "FINISHED")
    assert child.data.tags["stage"] == "dqnfd"
    assert child.data.params == {
        "options.rate": "0.5",
        "options.inner.depth": "2",
        "games.n": "3",
    }
    assert history(child, "loss") == [(10, 1.0), (20, 0.5)]
    assert history(child, "distance") == [(10, 5.0)]
    assert active_run_id() == run_id


def test_a_model_can_be_the_parameters(run_id: str) -> None:
    with stage_run("dqnfd", Options()):
        pass
    assert only_child(run_id).data.params == {"rate": "0.5", "inner.depth": "2"}


def test_long_values_are_tags(run_id: str) -> None:
    values = {"short": "x" * 500, "long": "x" * 501, "huge": "x" * 10_000}
    with stage_run("dqnfd", values):
        pass
    child = only_child(run_id)
    assert child.data.params == {"short": "x" * 500}
    assert child.data.tags["long"] == "x" * 501
    assert child.data.tags["huge"] == "x" * 5000


def test_many_parameters(run_id: str) -> None:
    values = {f"p{i}": i for i in range(250)}
    with stage_run("dqnfd", values):
        pass
    assert only_child(run_id).data.params == {name: str(i) for name, i in values.items()}


def test_nan_is_left_out(run_id: str) -> None:
    with stage_run("dqnfd") as sink:
        sink({"loss": float("nan"), "distance": 1.0}, 1)
    assert only_child(run_id).data.metrics == {"distance": 1.0}


def test_all_of_many_metrics_arrive(run_id: str) -> None:
    with stage_run("dqnfd") as sink:
        for step in range(1234):
            sink({"loss": step / 2}, step)
    assert history(only_child(run_id), "loss") == [(i, i / 2) for i in range(1234)]


def test_metrics_are_seen_while_the_stage_runs(
    run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "_BATCH_SECONDS", 0.0)
    with stage_run("dqnfd") as sink:
        sink({"loss": 1.0}, 1)
        mlflow.flush_async_logging()
        assert only_child(run_id).data.metrics == {"loss": 1.0}


@pytest.mark.parametrize(
    ("error", "status"),
    [(ValueError, "FAILED"), (KeyboardInterrupt, "KILLED"), (SystemExit, "KILLED")],
)
def test_end_with_an_error(run_id: str, error: type[BaseException], status: str) -> None:
    with pytest.raises(error), stage_run("dqnfd") as sink:
        fail(sink({"loss": 1.0}, 1), error)
    child = only_child(run_id)
    assert child.info.status == status
    assert child.data.metrics == {"loss": 1.0}
    assert active_run_id() == run_id


def fail(_: object, error: type[BaseException]) -> None:
    raise error


def test_stages_follow_one_another(run_id: str) -> None:
    for name in ("a", "b"):
        with stage_run(name) as sink:
            sink({"loss": 1.0}, 1)
    experiment = mlflow.get_run(run_id).info.experiment_id
    runs = mlflow.MlflowClient().search_runs([experiment], "tags.stage != ''")
    assert {run.info.run_name: run.info.status for run in runs} == {
        "a": "FINISHED",
        "b": "FINISHED",
    }


def test_lost_metrics_are_told(run_id: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="qwop_wr"), stage_run("dqnfd") as sink:
        sink({"a name that MLflow does not take: ?": 1.0}, 1)
    assert "1 metrics did not reach MLflow" in caplog.text
    assert only_child(run_id).info.status == "FINISHED"


def test_silent_without_a_run(tracking_uri: str) -> None:
    with stage_run("dqnfd", Options()) as sink:
        sink({"loss": 1.0}, 1)
    assert mlflow.search_runs(search_all_experiments=True).empty


def test_mlflow_is_not_imported_without_a_run() -> None:
    code = """
import sys
from qwop_wr.tracking import stage_run
with stage_run("dqnfd", {"a": 1}) as sink:
    sink({"loss": 1.0}, 1)
sys.exit("mlflow" in sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 (fixed arguments)


def test_errors_of_the_stage_pass_without_a_run() -> None:
    def stage(parameters: Mapping[str, Any]) -> None:
        with stage_run("dqnfd", parameters):
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        stage({})
