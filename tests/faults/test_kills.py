"""kill -9 at random moments: what is gone on with comes to the same end."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from qwop_wr.agents.state import TrainingState
from qwop_wr.datasets import TrainingStateDataset
from tests.agents import test_stage_resuming, test_training
from tests.faults.tiny_training import STATE, make

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def _start(kind: str, folder: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603 (the test's own arguments)
        [sys.executable, "-m", "tests.faults.tiny_training", kind, str(folder)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def _kill_at_work(kind: str, folder: Path, states: int, moment: float) -> None:
    """Kill a training that has saved so many states, and then been at it for a moment."""
    process, path = _start(kind, folder), folder / STATE
    seen = {path.stat().st_mtime_ns if path.exists() else 0}
    while process.poll() is None and len(seen) <= states:
        time.sleep(0.002)
        if path.exists():
            seen.add(path.stat().st_mtime_ns)
    time.sleep(moment)
    process.kill()
    process.wait()


def _end(path: Path) -> TrainingState:
    state = TrainingStateDataset(filepath=path).load()
    assert state is not None
    assert state.finished
    return state


@pytest.mark.parametrize(("kind", "kills"), [("stage", (1, 3)), ("ppo", (2,))])
def test_killed_trainings_come_to_the_same_end(
    kind: str, kills: tuple[int, ...], tmp_path: Path
) -> None:
    rng = np.random.default_rng(8)
    for states in kills:
        _kill_at_work(kind, tmp_path, states, float(rng.uniform(0, 0.05)))
        left = TrainingStateDataset(filepath=tmp_path / STATE).load()
        assert left is not None, "what was saved before is whole"
        assert not left.finished, "it was killed at work"
    finishing = _start(kind, tmp_path)
    assert finishing.wait(timeout=120) == 0
    *_, expected = make(kind).run()
    same = test_training.assert_same_end if kind == "ppo" else test_stage_resuming.assert_same_end
    same(_end(tmp_path / STATE), expected)
