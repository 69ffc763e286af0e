"""Choosing one engine must not load the other."""

import subprocess
import sys

import pytest


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "unwanted"), [("box2d", "numba"), ("exact", "Box2D")])
def test_an_engine_does_not_import_the_other(engine: str, unwanted: str) -> None:
    script = (
        "import sys; from qwop_wr.simulator import make_simulator; "
        f"make_simulator({engine!r}); sys.exit({unwanted!r} in sys.modules)"
    )
    completed = subprocess.run([sys.executable, "-c", script], check=False)  # noqa: S603
    assert completed.returncode == 0
