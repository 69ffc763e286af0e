"""Provenance of a result: code, versions and parameters."""

import hashlib
import json
import platform
import shutil
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import BaseModel

from qwop_wr import __version__

_LIBRARIES: Final = (
    "kedro",
    "mlflow",
    "numba",
    "numpy",
    "sb3-contrib",
    "stable-baselines3",
    "torch",
)


class Revision(NamedTuple):
    """State of the code."""

    commit: str | None
    """Commit of the working tree; None outside of one."""
    dirty: bool | None
    """Whether files differ from the commit."""


def read_revision(project: Path) -> Revision:
    """Read the state of a project's git repository.

    Returns:
        The revision; both fields are None if git is missing or the folder is no working tree.
    """
    commit = _git(project, "rev-parse", "HEAD")
    changes = _git(project, "--no-optional-locks", "status", "--porcelain")
    return Revision(commit, None if changes is None else bool(changes))


def describe_provenance(
    parameters: Mapping[str, Any], project: Path | None = None
) -> dict[str, str]:
    """Collect what a result can be traced back to.

    Args:
        parameters: All parameters of the run.
        project: Folder of the project; the current one if omitted.
    """
    revision = read_revision(project or Path.cwd())
    text = json.dumps(_canonical(parameters), sort_keys=True)
    return {
        "qwop-wr": __version__,
        "commit": (revision.commit or "unknown") + (" with changes" if revision.dirty else ""),
        "parameters": hashlib.sha256(text.encode()).hexdigest(),
        "python": platform.python_version(),
        "processor": platform.machine(),
        **{library: version(library) for library in _LIBRARIES},
    }


def _canonical(value: object) -> object:
    """Undo Kedro's conversions, which only the parameters of the running pipeline undergo.

    It puts models in the place of blocks, in which a whole number may have become a real
    one, and a constant a schedule from it to itself.
    """
    if isinstance(value, BaseModel):
        return _canonical(value.model_dump(mode="json", exclude_unset=True))
    if isinstance(value, Mapping):
        block = {str(name): _canonical(inner) for name, inner in value.items()}
        is_constant = block.keys() == {"start", "end"} and block["start"] == block["end"]
        return block["start"] if is_constant else block
    if isinstance(value, list | tuple):
        return [_canonical(inner) for inner in value]
    if isinstance(value, int | float):
        return float(value)
    return None if value is None else str(value)


def _git(project: Path, *arguments: str) -> str | None:
    program = shutil.which("git")
    if program is None:
        return None
    answer = subprocess.run(  # noqa: S603 (no shell, fixed arguments)
        [program, "-C", str(project), *arguments],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return answer.stdout.strip() if answer.returncode == 0 else None
