"""``python -m qwop_wr`` runs pipelines where no project's code is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]


def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 (the test's own arguments)
        [sys.executable, "-m", "qwop_wr", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "src"), "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_a_pipeline_outside_of_the_project(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "conf", tmp_path / "conf")
    answer = run(tmp_path, "--pipelines=guests", "--env=smoke")
    # It got as far as its node, which has no agent to rank.
    assert "Mlflow run 'guests'" in answer.stdout
    assert answer.stderr.startswith("Error: there are no guests in data/01_raw/guests")
    assert (tmp_path / "mlflow.db").exists()


def test_bad_input_is_one_line(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "conf", tmp_path / "conf")
    answer = run(tmp_path, "--pipelines=gests")
    assert answer.returncode == 1
    assert answer.stderr.strip() == ("Error: there is no pipeline 'gests'; did you mean 'guests'?")
