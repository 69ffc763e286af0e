"""Sessions: bad input in one line, and signals."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from kedro.runner import AbstractRunner, ParallelRunner, SequentialRunner, ThreadRunner

from qwop_wr.errors import BadInputError
from tests.tiny_project.project import TinyProject

REPOSITORY = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ({"pipeline_names": ["wole"]}, "there is no pipeline 'wole'; did you mean 'whole'?"),
        (
            {"pipeline_name": "zzz"},
            "there is no pipeline 'zzz'; known: __default__, counting, experiment, measured, whole",
        ),
        ({"namespaces": ["nope"]}, "nothing can be run: .*'nope'"),
        ({"from_nodes": ["nope"]}, "nothing can be run: .*'nope'"),
        ({"tags": ["nope"]}, "nothing can be run: .*no nodes"),
    ],
)
def test_unknown_selection(
    tiny_project: TinyProject, selection: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInputError, match=message.replace("?", r"\?")):
        tiny_project.run(**selection)
    assert tiny_project.runs() == {}


@pytest.mark.parametrize(
    ("runner", "message"),
    [
        (ParallelRunner(), "--runner=ParallelRunner: .* --params=compute.backend=process"),
        (SequentialRunner(is_async=True), "--async .*leave it out"),
    ],
)
def test_runners_that_cannot_work_here(
    tiny_project: TinyProject, runner: AbstractRunner, message: str
) -> None:
    with pytest.raises(BadInputError, match=message):
        tiny_project.run(runner=runner)
    assert tiny_project.runs() == {}
    assert not (tiny_project.path / "data").exists()


def test_threads_work(tiny_project: TinyProject) -> None:
    tiny_project.run(runner=ThreadRunner())
    assert {run.info.status for run in tiny_project.runs().values()} == {"FINISHED"}
    assert (tiny_project.path / "data/result.json").exists()


def test_file_that_cannot_be_read(tiny_project: TinyProject) -> None:
    tiny_project.run()
    (version,) = (tiny_project.path / "data" / "numbers.json").iterdir()
    (version / "numbers.json").write_text("[1, 2")
    with pytest.raises(BadInputError, match=r"numbers\.json") as caught:
        tiny_project.run(from_nodes=["copy"])
    assert "\n" not in caught.value.message
    assert tiny_project.runs()["default (base)"].info.status == "FAILED"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("base/parameters_x.yml", "a: [1", "parameters_x.yml"),
        ("base/catalog_x.yml", "a: {type: json.Nonsense}", "Nonsense"),
    ],
)
def test_configuration_that_cannot_be_read(
    tiny_project: TinyProject, name: str, content: str, message: str
) -> None:
    tiny_project.write(name, content)
    with pytest.raises(BadInputError, match=message):
        tiny_project.run()


def test_node_that_refuses_its_input(tiny_project: TinyProject) -> None:
    with pytest.raises(BadInputError, match=r"^the agent was made for another environment$"):
        tiny_project.run(params={"stage": {"trouble": "bad input"}})
    assert {run.info.status for run in tiny_project.runs().values()} == {"FAILED"}


def test_other_errors_keep_their_type(tiny_project: TinyProject) -> None:
    with pytest.raises(RuntimeError, match=r"^a bug$"):
        tiny_project.run(params={"stage": {"trouble": "a bug"}})


def test_sigterm_is_given_back(tiny_project: TinyProject) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        tiny_project.run(params={"stage": {"trouble": "SIGTERM"}})
    assert signal.getsignal(signal.SIGTERM) is before


def test_other_threads_can_run_sessions(tiny_project: TinyProject) -> None:
    thread = threading.Thread(target=tiny_project.run)
    thread.start()
    thread.join()
    assert (tiny_project.path / "data" / "result.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "line"),
    [
        ("--pipelines=world_recrod", "there is no pipeline 'world_recrod'; did you mean"),
        ("--params=evaluatoin.seeds=5", "did you mean 'evaluation.seeds'?"),
    ],
)
def test_command_line_shows_one_line(option: str, line: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "kedro", "run", option]
    answer = subprocess.run(  # noqa: S603 (fixed arguments)
        command,
        cwd=REPOSITORY,
        env={**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    (error,) = answer.stderr.strip().splitlines()
    assert error.startswith("Error: ")
    assert line in error
    assert "Traceback" not in answer.stdout
    assert not (tmp_path / "mlflow.db").exists()
