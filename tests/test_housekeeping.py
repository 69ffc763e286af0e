"""Old versions go; what something refers to stays."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from filelock import FileLock

from qwop_wr.agents.agent import Agent
from qwop_wr.cli import cli
from qwop_wr.datasets import AgentDataset
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.housekeeping import judge_versions
from tests.evaluation.players import random_agent

AGENTS = "06_models/velocity_agent.safetensors"
REPORTS = "08_reporting/reports/report.html"


def stamp(day: int) -> str:
    return f"2026-01-{day:02d}T00.00.00.000Z"


def make_agent(number: int) -> Agent:
    agent = random_agent(EnvironmentOptions())
    weights = {name: np.full_like(array, number) for name, array in agent.weights.items()}
    return replace(agent, weights=weights)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Six runs, each of which left an agent and a report."""
    data = tmp_path / "data"
    for day in range(1, 7):
        AgentDataset(filepath=data / AGENTS / stamp(day) / "velocity_agent.safetensors").save(
            make_agent(day)
        )
        report = data / REPORTS / stamp(day) / "report.html"
        report.parent.mkdir(parents=True)
        report.write_text(f"<p>{day}</p>")
    return data


def prune(data: Path, *options: str) -> str:
    answer = CliRunner().invoke(cli, ["prune", "--data", str(data), *options])
    assert answer.exit_code == 0, answer.output
    return answer.output


def days(data: Path, dataset: str) -> list[int]:
    return sorted(int(path.name[8:10]) for path in (data / dataset).iterdir())


def test_nothing_goes_without_yes(data: Path) -> None:
    told = prune(data, "--keep", "2")
    assert "8 of 12 versions" in told
    assert "nothing was removed: add --yes" in told
    assert days(data, AGENTS) == days(data, REPORTS) == [1, 2, 3, 4, 5, 6]


def test_the_newest_stay(data: Path) -> None:
    prune(data, "--keep", "2", "--yes")
    assert days(data, AGENTS) == days(data, REPORTS) == [5, 6]
    assert prune(data, "--keep", "2", "--yes") == "0 of 4 versions, 0.0 MB\n"


@pytest.mark.parametrize("who", ["champion", "record", "summary", "newest report"])
def test_what_something_refers_to_stays(data: Path, who: str) -> None:
    fingerprint = make_agent(2).fingerprint
    if who == "champion":
        champion = make_agent(2).with_card(defeated=[make_agent(3).fingerprint])
        AgentDataset(filepath=data / "06_models/champion.safetensors").save(champion)
    elif who == "record":
        tape = data / "01_raw/record.qwop.json"
        tape.parent.mkdir()
        tape.write_text(json.dumps({"meta": {"agent": fingerprint}}))
    elif who == "summary":
        (data / "08_reporting/summary.json").write_text(json.dumps({"agent": fingerprint}))
    else:
        report = data / REPORTS / stamp(6) / "report.html"
        report.write_text(f"<td>{fingerprint}</td>")
    told = prune(data, "--keep", "1", "--yes")
    assert "named by something that stays" in told
    # The run's report stays with its agent; the champion names whom it has beaten, too.
    assert days(data, AGENTS) == days(data, REPORTS) == ([2, 3, 6] if who == "champion" else [2, 6])


def test_an_alias_of_the_registry_keeps_its_agent(data: Path) -> None:
    judged = judge_versions(data, 1, frozenset({make_agent(4).fingerprint}))
    stay = {version.path.name for version in judged if version.kept_for}
    assert stay == {stamp(4), stamp(6)}


def test_files_that_are_no_versions_are_left_alone(data: Path) -> None:
    others = [data / "01_raw/2020-01-01T00.00.00.000Z/notes.txt", data / AGENTS / "mine/x.txt"]
    for path in others:
        path.parent.mkdir(parents=True)
        path.write_text("kept")
    prune(data, "--keep", "1", "--yes")
    assert all(path.read_text() == "kept" for path in others)


def test_an_agent_that_cannot_be_read_keeps_nothing_back(data: Path) -> None:
    (data / AGENTS / stamp(1) / "velocity_agent.safetensors").write_bytes(b"damaged")
    prune(data, "--keep", "1", "--yes")
    assert days(data, AGENTS) == [6]


def test_a_pipeline_that_runs_is_not_disturbed(data: Path) -> None:
    (data / ".locks").mkdir()
    with FileLock(data / ".locks/summary.lock"):
        answer = CliRunner().invoke(cli, ["prune", "--data", str(data), "--yes", "--keep", "1"])
    assert answer.exit_code == 1
    assert "a pipeline is writing into this folder" in answer.output
    assert days(data, AGENTS) == [1, 2, 3, 4, 5, 6]


def test_an_empty_folder(data: Path) -> None:
    shutil.rmtree(data)
    data.mkdir()
    assert prune(data) == "0 of 0 versions, 0.0 MB\n"
