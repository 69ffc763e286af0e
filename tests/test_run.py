"""The whole project at smoke scale, run as a user runs it."""

import itertools
import json
import re
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import mlflow
import nbformat
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from nbclient import NotebookClient

from qwop_wr.datasets import AgentDataset
from qwop_wr.simulator.tape import Tape, verify_tape
from tests.project_copy import ProjectCopy

pytestmark = pytest.mark.slow

STAGES = ["dqnfd", "self_play", "velocity"]
FIGURES = ["learning_curves", "distances", "finish_times", "finish_profile"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> ProjectCopy:
    """A copy in which ``world_record`` has run once."""
    project = ProjectCopy(tmp_path_factory.mktemp("run") / "project")
    finished = project.run("--pipeline=world_record", "--env=smoke")
    assert finished.returncode == 0, finished.stdout
    return project


@pytest.fixture
def runs(project: ProjectCopy) -> list[Run]:
    """All MLflow runs of the copy, the newest first."""
    mlflow.set_tracking_uri(project.tracking_uri)
    client = MlflowClient(project.tracking_uri)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    return list(client.search_runs(experiments))


def _newest(folder: Path) -> Path:
    versions = sorted(folder.iterdir())
    assert versions, f"{folder} holds no version"
    return versions[-1] / folder.name


def test_summary_tells_the_evaluation(project: ProjectCopy) -> None:
    summary = json.loads((project.folder / "data/08_reporting/summary.json").read_text())
    table = pd.read_csv(_newest(project.folder / "data/07_model_output/evaluation_episodes.csv"))

    assert summary["seeds"] == len(table) == 20
    assert summary["finish_rate"] == table["finished"].mean()
    finished = table.loc[table["finished"], "score_time"]
    assert summary["best_time"] == (None if finished.empty else pytest.approx(finished.min()))
    assert summary["distinct_trajectories"] == table["trajectory"].nunique()
    assert list(summary["stages"]) == STAGES


def test_no_stage_loses_ground(project: ProjectCopy) -> None:
    stages = json.loads((project.folder / "data/08_reporting/summary.json").read_text())["stages"]
    scores = [
        (score["finish_rate"], -(score["median_time"] or 1e9), score["mean_distance"])
        for score in stages.values()
    ]
    for before, after in itertools.pairwise(scores):
        assert all(b >= a for a, b in zip(before, after, strict=True))
    for stage in stages:
        path = project.folder / f"data/07_model_output/{stage}_gate.json"
        gate = json.loads(path.read_text(encoding="utf-8"))
        if gate["promoted"]:
            assert gate["outgoing"]["finish_rate"] >= gate["incoming"]["finish_rate"]
            assert gate["outgoing"]["mean_distance"] >= gate["incoming"]["mean_distance"]


def test_tapes_replay_to_what_they_claim(project: ProjectCopy) -> None:
    tapes = sorted(_newest(project.folder / "data/07_model_output/tapes").glob("*.qwop.json"))
    assert "native.qwop.json" in [path.name for path in tapes]
    for path in tapes:
        tape = Tape.load(path)
        assert verify_tape(tape).ticks == tape.ticks


def test_report_needs_nothing_from_outside(project: ProjectCopy) -> None:
    page = (project.folder / "data/08_reporting/report.html").read_text()
    assert page == _newest(project.folder / "data/08_reporting/reports/report.html").read_text()
    assert "</html>" in page
    loaded = re.findall(r"""(?:src|<link[^>]*href|url)\s*[=(]\s*["']?(https?:[^"')\s]+)""", page)
    assert loaded == []


def test_every_number_and_figure_is_made_again_from_the_table(project: ProjectCopy) -> None:
    reporting = project.folder / "data/08_reporting"
    results = ["report.html", "summary.json", *(f"figures/{name}.png" for name in FIGURES)]
    before = {name: (reporting / name).read_bytes() for name in results}
    for name in results:
        (reporting / name).unlink()
    again = project.run("--pipelines=reporting", "--env=smoke")
    assert again.returncode == 0, again.stdout
    assert {name: (reporting / name).read_bytes() for name in results} == before


def test_results_of_another_agent_are_refused(project: ProjectCopy) -> None:
    models = project.folder / "data/06_models"
    agent = AgentDataset(filepath=_newest(models / "velocity_agent.safetensors")).load()
    before = AgentDataset(filepath=_newest(models / "self_play_agent.safetensors")).load()
    assert agent is not None
    assert before is not None
    weights = {name: array + np.float32(1e-3) for name, array in agent.weights.items()}
    retrained = replace(agent, weights=weights).with_card(incoming=before.fingerprint)
    version = models / "velocity_agent.safetensors/9999-01-01T00.00.00.000Z"
    gate = project.folder / "data/07_model_output/velocity_gate.json"
    told = gate.read_text()
    reports = sorted((project.folder / "data/08_reporting").rglob("*"))
    try:
        AgentDataset(filepath=version / "velocity_agent.safetensors").save(retrained)
        gate.write_text(json.dumps({**json.loads(told), "promoted": True}))
        refused = project.run("--pipelines=reporting", "--env=smoke")
    finally:
        shutil.rmtree(version)
        gate.write_text(told)
    (error,) = [line for line in refused.stdout.splitlines() if line.startswith("Error: ")]
    assert "evaluation_episodes is stale: it is of another agent" in error
    assert error.endswith("make it again: kedro run --pipeline=evaluation")
    assert sorted((project.folder / "data/08_reporting").rglob("*")) == reports


def test_mlflow_serves_the_champion(project: ProjectCopy, runs: list[Run]) -> None:
    championship = json.loads(
        (project.folder / "data/07_model_output/championship.json").read_text()
    )
    client = MlflowClient(project.tracking_uri)
    champion = client.get_model_version_by_alias("qwop-runner", "champion")
    assert champion.tags["agent"] == championship["champion"]
    # Seconds of training are no match for the shipped expert.
    assert not championship["crowned"]
    registered = {entry.tags["agent"] for entry in client.search_model_versions()}
    summary = json.loads((project.folder / "data/08_reporting/summary.json").read_text())
    assert {summary["agent"], championship["champion"]} <= registered


def test_mlflow_has_the_run_and_a_child_per_stage(runs: list[Run]) -> None:
    world_record = next(run for run in runs if run.info.run_name == "world_record (smoke)")
    assert world_record.info.status == "FINISHED"
    tags = world_record.data.tags
    assert (tags["engine"], tags["platform"]) == ("exact", "chromium")
    assert tags["kedro_env"] == "smoke"
    assert {"git_commit", "git_dirty"} <= tags.keys()
    assert world_record.data.params["environment.ticks_per_action"] == "1"

    children = [
        run for run in runs if run.data.tags.get("mlflow.parentRunId") == world_record.info.run_id
    ]
    by_stage = {child.data.tags["stage"]: child for child in children}
    assert by_stage.keys() == {*STAGES, "short_hunt"}
    assert len(children) == len(by_stage)
    assert all(child.info.status == "FINISHED" for child in children)
    assert all("evaluation/mean_distance" in by_stage[stage].data.metrics for stage in STAGES)
    assert "best_time" in by_stage["short_hunt"].data.metrics


def test_one_stage_runs_again_and_adds_a_version(project: ProjectCopy) -> None:
    versions = project.folder / "data/06_models/velocity_agent.safetensors"
    before = len(list(versions.iterdir()))
    again = project.run("--namespaces=velocity", "--env=smoke")
    assert again.returncode == 0, again.stdout
    assert len(list(versions.iterdir())) == before + 1


def test_interruption_leaves_a_killed_run_and_whole_files(project: ProjectCopy) -> None:
    agents = project.folder / "data/06_models/dqnfd_agent.safetensors"
    before = sorted(agents.iterdir())
    process = project.start(
        "--namespaces=dqnfd", "--env=smoke", "--params=dqnfd.options.budget.steps=100000000"
    )
    client = MlflowClient(project.tracking_uri)
    try:
        _wait_for_stage(client, "dqnfd")
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode != 0, output
    assert "100000000,resume=true" in output
    runs = client.search_runs(["0", *_experiments(client)], max_results=2)
    assert [run.info.status for run in runs] == ["KILLED", "KILLED"]
    assert sorted(agents.iterdir()) == before
    leftovers = [path for path in (project.folder / "data").rglob("*") if ".tmp" in path.name]
    assert leftovers == []


def test_notebook_runs(project: ProjectCopy) -> None:
    path = project.folder / "notebooks/explore_a_run.ipynb"
    notebook = nbformat.reads(path.read_text(), as_version=4)  # type: ignore[no-untyped-call]
    assert all(not cell.get("outputs") for cell in notebook.cells), "outputs must be stripped"
    client = NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(path.parent)}}
    )
    client.execute()


@pytest.mark.parametrize(
    ("argument", "answer"),
    [
        ("--pipeline=nope", "there is no pipeline 'nope'"),
        ("--params=environment.engine=nope", "environment.engine = 'nope'"),
        ("--params=environment.actions=nope", "environment.actions = 'nope'"),
        ("--params=evaluatoin.seeds=5", "did you mean 'evaluation.seeds'?"),
        ("--params=dqnfd.options.gamma=1.5", "dqnfd.options.gamma = 1.5"),
    ],
)
def test_bad_input_is_answered_in_one_line(
    project: ProjectCopy, argument: str, answer: str
) -> None:
    agents = project.folder / "data/06_models/dqnfd_agent.safetensors"
    before = sorted(agents.iterdir())
    refused = project.run("--env=smoke", argument)
    assert refused.returncode != 0
    errors = [line for line in refused.stdout.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1, refused.stdout
    assert answer in errors[0]
    assert "Traceback" not in refused.stdout
    assert sorted(agents.iterdir()) == before


def _experiments(client: MlflowClient) -> list[str]:
    return [experiment.experiment_id for experiment in client.search_experiments()]


def _wait_for_stage(client: MlflowClient, stage: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        running = client.search_runs(
            _experiments(client), f"tags.stage = '{stage}' and attributes.status = 'RUNNING'"
        )
        if running:
            time.sleep(2)
            return
        time.sleep(0.5)
    raise AssertionError(f"stage {stage} did not start")


def test_the_champion_goes_on_and_challenges_the_expert(project: ProjectCopy) -> None:
    reigning = AgentDataset(filepath=project.folder / "data/01_raw/expert.safetensors").load()
    succeeded = project.run("--pipeline=succession", "--env=smoke")
    assert succeeded.returncode == 0, succeeded.stdout
    expert = AgentDataset(filepath=project.folder / "data/01_raw/expert.safetensors").load()
    gate = json.loads((project.folder / "data/07_model_output/expert_gate.json").read_text())
    challenger = _newest(project.folder / "data/06_models/succession_agent.safetensors")
    winner = AgentDataset(filepath=challenger).load() if gate["promoted"] else reigning
    assert expert is not None
    assert winner is not None
    assert expert.fingerprint == winner.fingerprint
    champion = AgentDataset(filepath=project.folder / "data/06_models/champion.safetensors").load()
    assert champion is not None
    assert (champion.fingerprint == expert.fingerprint) or not gate["promoted"]
    history = pd.read_csv(project.folder / "data/07_model_output/succession_history.csv")
    assert history.loc[history["metric"] == "coaching/round", "value"].max() == 2
