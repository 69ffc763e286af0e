"""Jobs that tests give to workers, which import this module."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qwop_wr.compute import Job, WorkContext, threads_of_own
from qwop_wr.errors import BadInputError


def add(shared: int, item: int, context: WorkContext) -> int:
    return shared + item


def add_slowly_at_first(shared: int, item: int, context: WorkContext) -> int:
    time.sleep(0.2 if item == 0 else 0.0)
    return shared + item


def size_slowly(shared: bytes, item: int, context: WorkContext) -> int:
    time.sleep(0.5)
    return len(shared)


def fail_at_three(shared: int, item: int, context: WorkContext) -> int:
    if item == 3:
        raise ValueError("three is too many")
    return item


def fail_the_later_the_sooner(shared: int, item: int, context: WorkContext) -> int:
    """Fail at item 1 some time after item 2 has failed."""
    time.sleep(0.0 if item == 2 else 0.3)
    if item in {1, 2}:
        raise ValueError("that one")
    return item


def die_once(folder: Path, item: int, context: WorkContext) -> tuple[int, int]:
    """Die at item 2 the first time; tells the process that did it."""
    mark = folder / "died"
    if item == 2 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return item, os.getpid()


def always_die_at_two(shared: int, item: int, context: WorkContext) -> int:
    if item == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def thread_name(shared: object, item: int, context: WorkContext) -> str:
    return threading.current_thread().name


def refuse(shared: object, item: int, context: WorkContext) -> None:
    raise BadInputError("no such thing")


def wait_until_stopped(shared: object, item: int, context: WorkContext) -> int:
    """Last until the caller leaves, except at item 0."""
    while item and not context.stopped():
        time.sleep(0.01)
    return item


def sleep_for_ever(folder: Path, item: int, context: WorkContext) -> None:
    (folder / f"{os.getpid()}.pid").touch()
    time.sleep(600)


def job(
    function: Callable[..., Any], shared: object = 100, threads: bool = False
) -> Job[object, int, Any]:
    return Job(
        "counting",
        function,
        shared,
        describe=lambda item: f"number {item}",
        threads=threads,
    )


def count_own_threads(shared: int, item: int, context: WorkContext) -> int:
    return threads_of_own()
