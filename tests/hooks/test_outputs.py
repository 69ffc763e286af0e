"""What a run writes is nobody else's while it runs, and is found again."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwop_wr.errors import BadInputError
from tests.tiny_project.project import TinyProject

_HOLD = """
import sys, time
from filelock import FileLock
lock = FileLock(sys.argv[1])
lock.acquire()
print("held", flush=True)
time.sleep(600)
"""


@pytest.fixture
def other(tiny_project: TinyProject) -> "Iterator[subprocess.Popen[str]]":
    """Another process that holds the lock on ``numbers``."""
    path = tiny_project.path / "data/.locks/data__numbers.json.lock"
    path.parent.mkdir(parents=True)
    path.with_suffix(".holder").write_text("process 77 since 12:00:00")
    process = subprocess.Popen(  # noqa: S603 (the test's own arguments)
        [sys.executable, "-c", _HOLD, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_two_runs_may_not_write_the_same(
    tiny_project: TinyProject, other: "subprocess.Popen[str]"
) -> None:
    with pytest.raises(
        BadInputError, match=r"^numbers is being written .*\(process 77 since 12:00:00\); wait"
    ):
        tiny_project.run()
    assert tiny_project.runs() == {}
    assert not (tiny_project.path / "data/numbers.json").exists()
    other.kill()
    other.wait()
    # The lock of a process that was killed is nobody's.
    tiny_project.run()
    assert (tiny_project.path / "data/result.json").exists()


@pytest.mark.usefixtures("other")
def test_what_is_shared_is_not_locked(tiny_project: TinyProject) -> None:
    entry = {"type": "json.JSONDataset", "filepath": "data/numbers.json"}
    tiny_project.write("local/catalog.yml", {"numbers": {**entry, "metadata": {"shared": True}}})
    tiny_project.run()


@pytest.mark.usefixtures("other")
def test_runs_of_other_outputs_go_on_beside_it(tiny_project: TinyProject) -> None:
    tiny_project.store_everything()
    (tiny_project.path / "data/copied.json").write_text("[0, 1]")
    tiny_project.run(from_nodes=["stage.train"])
    assert (tiny_project.path / "data/result.json").exists()


@pytest.mark.parametrize("trouble", [None, "boom", "SIGTERM"])
def test_a_run_that_has_ended_holds_nothing(tiny_project: TinyProject, trouble: str | None) -> None:
    if trouble:
        with pytest.raises((RuntimeError, KeyboardInterrupt)):
            tiny_project.run(params={"stage": {"trouble": trouble}})
    else:
        tiny_project.run()
    path = tiny_project.path / "data/.locks/data__numbers.json.lock"
    probe = "import sys; from filelock import FileLock; FileLock(sys.argv[1]).acquire(timeout=0)"
    answer = subprocess.run(  # noqa: S603 (the test's own arguments)
        [sys.executable, "-c", probe, str(path)], capture_output=True, check=False
    )
    assert answer.returncode == 0, answer.stderr


def test_a_clock_that_went_back_is_told(tiny_project: TinyProject) -> None:
    future = tiny_project.path / "data/numbers.json/9999-01-01T00.00.00.000Z"
    future.mkdir(parents=True)
    (future / "numbers.json").write_text("[1]")
    with pytest.raises(
        BadInputError, match=r"numbers: its newest version, 9999-.* is later than this computer's"
    ):
        tiny_project.run()
    assert [path.name for path in future.parent.iterdir()] == [future.name]


def test_a_folder_that_cannot_be_written(tiny_project: TinyProject) -> None:
    # Where a file is, no folder can be made, whoever asks.
    (tiny_project.path / "data").write_text("")
    with pytest.raises(BadInputError, match=r"data/\.locks: cannot be written .*nothing was run"):
        tiny_project.run()
    assert tiny_project.runs() == {}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="drops rights of root")
def test_a_folder_that_may_only_be_read(tiny_project: TinyProject, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o555)
    for parent in (tmp_path, *tmp_path.parents[:-2]):
        parent.chmod(parent.stat().st_mode | 0o055)
    os.seteuid(65534)
    try:
        with pytest.raises(BadInputError, match=r"cannot be written \(Permission denied\)"):
            tiny_project.run()
    finally:
        os.seteuid(0)
    assert list((tmp_path / "data").iterdir()) == []
