"""What threads leave behind."""

import os
import platform
import subprocess
import sys

import pytest

COUNT_ARENAS = """
import ctypes, sys, threading
if sys.argv[1] == "shared":
    from qwop_wr.compute import share_arenas
    share_arenas()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
barrier = threading.Barrier(6)
def take():
    barrier.wait()
    libc.malloc(ctypes.c_size_t(1000))
    barrier.wait()
threads = [threading.Thread(target=take) for _ in range(6)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.fopen.restype = ctypes.c_void_p
stream = ctypes.c_void_p(libc.fopen(b"/dev/stdout", b"w"))
libc.malloc_info(0, stream)
libc.fclose(stream)
"""


def n_arenas(mode: str) -> int:
    environment = {k: v for k, v in os.environ.items() if k != "MALLOC_ARENA_MAX"}
    command = [sys.executable, "-c", COUNT_ARENAS, mode]
    told = subprocess.run(  # noqa: S603 (this interpreter)
        command, check=True, capture_output=True, text=True, env=environment
    )
    return told.stdout.count("<heap nr=")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's arenas")
def test_threads_share_two_arenas() -> None:
    assert n_arenas("own") > 2
    assert n_arenas("shared") <= 2
