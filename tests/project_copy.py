"""A copy of this project to run in, as a user would."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[1]


class ProjectCopy:
    """This project in another folder: same code and configuration, own data and runs.

    Args:
        folder: Where the copy goes; made here.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for name in ("pyproject.toml", ".telemetry"):
            shutil.copy(ROOT / name, folder / name)
        for name in ("src", "conf", "notebooks", "data/01_raw"):
            shutil.copytree(ROOT / name, folder / name)

    def start(
        self, *arguments: str, stdout: int | IO[str] = subprocess.PIPE
    ) -> "subprocess.Popen[str]":
        """Start ``kedro run`` in the copy."""
        return subprocess.Popen(  # noqa: S603 (the test's own arguments)
            [sys.executable, "-m", "kedro", "run", *arguments],
            cwd=self.folder,
            env=self._environment(),
            text=True,
            stdout=stdout,
            stderr=subprocess.STDOUT,
        )

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run ``kedro run`` in the copy to its end."""
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=300)
        return subprocess.CompletedProcess(process.args, process.returncode, output)

    @property
    def tracking_uri(self) -> str:
        """Where the copy's runs are logged."""
        return f"sqlite:///{self.folder / 'mlflow.db'}"

    def _environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "KEDRO_"))}
        return {**kept, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
