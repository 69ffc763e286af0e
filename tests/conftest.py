"""What all tests share: one thread per process, and no trace of MLflow between tests."""

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

# Libraries read these when they are imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["DO_NOT_TRACK"] = "true"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

import hypothesis
import pytest

# How long an example takes depends on what else the machine does.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")

# A shell's background jobs ignore Ctrl-C, and so would the tests of what it does.
signal.signal(signal.SIGINT, signal.default_int_handler)

if TYPE_CHECKING:
    from tests.tiny_project.project import TinyProject


SLOW_FIXTURES = {"tiny_project"}
"""Whoever asks for one of them runs Kedro sessions."""
SLOW_PLACES = (
    "agents/learners/",
    "agents/test_stage",
    "agents/test_training",
    "browser/test_page",
    "commands/test_browser",
    "faults/",
    "pipelines/",
    "test_encoding",
    "test_main",
)
"""Folders and modules whose tests train, kill and damage, or start browsers and interpreters."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow by its fixtures or its place; other slow tests bear the mark themselves."""
    here = Path(__file__).parent
    for item in items:
        place = item.path.relative_to(here).as_posix() if item.path.is_relative_to(here) else ""
        fixtures = set(item.fixturenames) if isinstance(item, pytest.Function) else set()
        if place.startswith(SLOW_PLACES) or SLOW_FIXTURES & fixtures:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session", autouse=True)
def one_torch_thread() -> None:
    """Keep torch to one thread where a test module has imported it."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def isolated_mlflow() -> Iterator[None]:
    """Hide MLflow's variables from a test, and undo what the test did to MLflow."""
    before = dict(os.environ)
    for name in before:
        if name.startswith(("MLFLOW_", "KEDRO_")) and name != "MLFLOW_DISABLE_TELEMETRY":
            del os.environ[name]
    yield
    if mlflow := sys.modules.get("mlflow"):
        while mlflow.active_run() is not None:
            mlflow.end_run()
        mlflow.set_tracking_uri(None)
        mlflow.set_registry_uri(None)
        sys.modules["mlflow.tracking.fluent"]._active_experiment_id = None  # type: ignore[attr-defined]
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def empty_mlflow_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with MLflow's tables; creating one takes seconds, copying it none."""
    from mlflow import MlflowClient  # noqa: PLC0415 (seconds to import)

    path = tmp_path_factory.mktemp("mlflow") / "empty.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def tracking_uri(
    tmp_path: Path, empty_mlflow_database: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """MLflow's store in the test's own folder, named by the environment variable."""
    path = tmp_path / "mlflow.db"
    shutil.copyfile(empty_mlflow_database, path)
    uri = f"sqlite:///{path}"
    os.environ["MLFLOW_TRACKING_URI"] = uri
    # Where MLflow puts artifacts of experiments that do not say it.
    monkeypatch.chdir(tmp_path)
    return uri


@pytest.fixture
def run_id(tracking_uri: str) -> str:
    """An active MLflow run, ended by the fixture that isolates MLflow."""
    import mlflow  # noqa: PLC0415 (seconds to import)

    return str(mlflow.start_run().info.run_id)


@pytest.fixture
def tiny_project(tracking_uri: str, tmp_path: Path) -> Iterator["TinyProject"]:
    """A small Kedro project with this project's settings, session and hooks."""
    from kedro.framework import project  # noqa: PLC0415 (seconds to import)

    from tests.tiny_project.project import TinyProject  # noqa: PLC0415

    yield TinyProject(tmp_path)
    project.pipelines.configure("qwop_wr.pipeline_registry")
