"""The map over items: order, errors and ends are alike in threads and processes."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from numba.core import config
from pydantic import ValidationError

from qwop_wr.compute import (
    SERIAL,
    ComputeOptions,
    Finished,
    ItemError,
    run_job,
    settle,
    threads_of_own,
)
from qwop_wr.errors import BadInputError
from tests.compute import jobs

PROCESSES = ComputeOptions(backend="process", workers=2)


def values(done: Iterator[Finished[Any]]) -> list[Any]:
    return [one.value for one in done]


@pytest.mark.parametrize("workers", [1, 3])
def test_threads_keep_the_order(workers: int) -> None:
    compute = ComputeOptions(workers=workers)
    done = run_job(jobs.job(jobs.add_slowly_at_first, threads=True), range(9), compute)
    assert values(done) == list(range(100, 109))


@pytest.mark.parametrize(("items", "each"), [(1, 8), (2, 4), (3, 2), (9, 2)])
def test_workers_share_the_threads(items: int, each: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "NUMBA_NUM_THREADS", 8)
    compute = ComputeOptions(workers=4)
    done = run_job(jobs.job(jobs.count_own_threads, threads=True), range(items), compute)
    assert values(done) == [each] * items
    assert threads_of_own() == 8


def test_the_callers_thread_does_what_cannot_be_done_in_threads() -> None:
    done = run_job(jobs.job(jobs.thread_name), range(2), ComputeOptions(workers=4))
    assert values(done) == ["MainThread", "MainThread"]


@pytest.mark.slow
def test_a_worker_that_dies_costs_no_result(tmp_path: Path) -> None:
    done = list(run_job(jobs.job(jobs.die_once, tmp_path), range(6), PROCESSES))
    numbers, processes = zip(*(one.value for one in done), strict=True)
    assert numbers == (0, 1, 2, 3, 4, 5)
    assert (tmp_path / "died").exists()
    assert os.getpid() not in processes
    assert all(one.worker.endswith(f":{one.value[1]}") for one in done)


@pytest.mark.slow
def test_an_item_that_kills_its_workers_is_named() -> None:
    compute = PROCESSES.model_copy(update={"retries": 1})
    done = run_job(jobs.job(jobs.always_die_at_two), range(6), compute)
    with pytest.raises(ItemError, match="counting, number 2: .*died 2 times while it was under"):
        values(done)


@pytest.mark.parametrize("threads", [False, True])
def test_an_error_names_its_item(threads: bool) -> None:
    done = run_job(jobs.job(jobs.fail_at_three, threads=threads), range(6), SERIAL)
    assert [next(done).value, next(done).value] == [0, 1]
    with pytest.raises(ItemError, match="counting, number 3: ValueError: three is too many"):
        values(done)


@pytest.mark.parametrize(
    ("threads", "compute"),
    [(False, SERIAL), (True, ComputeOptions(workers=3)), (False, PROCESSES)],
)
def test_the_first_error_counts_not_the_soonest(threads: bool, compute: ComputeOptions) -> None:
    done = run_job(jobs.job(jobs.fail_the_later_the_sooner, threads=threads), range(6), compute)
    assert next(done).value == 0
    with pytest.raises(ItemError, match="counting, number 1: ValueError: that one"):
        next(done)


def test_bad_input_stays_bad_input() -> None:
    with pytest.raises(BadInputError, match="counting, number 0: no such thing"):
        values(run_job(jobs.job(jobs.refuse), range(1), SERIAL))


def test_threads_are_told_that_the_caller_has_left() -> None:
    done = run_job(jobs.job(jobs.wait_until_stopped, threads=True), range(3), SERIAL)
    assert next(done).value == 0
    cast("Generator[object, None, None]", done).close()


def test_processes_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    """Even if it is killed, and cannot say goodbye."""
    script = (
        "from pathlib import Path\n"
        "from qwop_wr.compute import ComputeOptions, run_job\n"
        "from tests.compute import jobs\n"
        "if __name__ == '__main__':\n"
        "    compute = ComputeOptions(backend='process', workers=2)\n"
        f"    job = jobs.job(jobs.sleep_for_ever, Path({str(tmp_path)!r}))\n"
        "    list(run_job(job, range(2), compute, progress=False))\n"
    )
    path = tmp_path / "parent.py"
    path.write_text(script)
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root / "src"), str(root)])}
    parent = subprocess.Popen([sys.executable, str(path)], env=environment)  # noqa: S603
    try:
        _wait(lambda: len(list(tmp_path.glob("*.pid"))) == 2)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    workers = [int(mark.stem) for mark in tmp_path.glob("*.pid")]
    _wait(lambda: not any(_runs(worker) for worker in workers))


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def _wait(reached: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_short_work_stays_here_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert settle(PROCESSES, "evaluation", 5.0) == PROCESSES.model_copy(
            update={"backend": "serial"}
        )
    assert "evaluation: about 5 s of one core's work stays in this process" in caplog.text
    caplog.clear()
    assert settle(PROCESSES, "evaluation", 50.0) is PROCESSES
    assert settle(SERIAL, "evaluation", 5.0) is SERIAL
    assert not caplog.text


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("backend", "cloud", "'serial', 'process' or 'ray'"),
        ("address", "ray://head:10001", "run on a node of the cluster"),
        ("address", "head", "'auto' or host:port"),
        ("workers", 0, "greater than 0"),
        ("retries", -1, "greater than or equal to 0"),
    ],
)
def test_options_are_checked(field: str, value: object, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ComputeOptions.model_validate({field: value})
