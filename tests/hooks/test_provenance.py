"""Where a run comes from, as tags and name."""

import subprocess
from pathlib import Path

import pytest

from qwop_wr import __version__
from tests.tiny_project.project import TinyProject


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=me", "-c", "user.email=me@example.org")
    return subprocess.run(  # noqa: S603 (fixed arguments)
        ["git", "-C", str(folder), *who, *arguments],  # noqa: S607
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


@pytest.fixture
def commit(tiny_project: TinyProject) -> str:
    git(tiny_project.path, "init", "--quiet")
    (tiny_project.path / ".gitignore").write_text("data\nmlflow.db\nmlruns\nmlartifacts\n")
    git(tiny_project.path, "add", ".")
    git(tiny_project.path, "commit", "--quiet", "--message", "All")
    return git(tiny_project.path, "rev-parse", "HEAD")


def tags(project: TinyProject, run: str = "default (base)") -> dict[str, str]:
    names = ("git_commit", "git_dirty", "engine", "platform", "kedro_env", "qwop_wr_version")
    found = project.runs()[run].data.tags
    return {name: found[name] for name in names}


def test_clean_tree(tiny_project: TinyProject, commit: str) -> None:
    tiny_project.run()
    assert tags(tiny_project) == {
        "git_commit": commit,
        "git_dirty": "false",
        "engine": "box2d",
        "platform": "unknown",
        "kedro_env": "base",
        "qwop_wr_version": __version__,
    }


def test_dirty_tree(tiny_project: TinyProject, commit: str) -> None:
    (tiny_project.path / "new.py").touch()
    tiny_project.run(params={"world": {"engine": "exact"}})
    found = tags(tiny_project)
    assert (found["git_commit"], found["git_dirty"]) == (commit, "true")
    assert found["engine"] == "exact"


def test_no_git(tiny_project: TinyProject) -> None:
    tiny_project.run(env="smoke")
    found = tags(tiny_project, "default (smoke)")
    assert (found["git_commit"], found["git_dirty"]) == ("unknown", "unknown")
    assert found["kedro_env"] == "smoke"


def test_names_say_what_was_run(tiny_project: TinyProject) -> None:
    tiny_project.store_everything()
    tiny_project.run(pipeline_names=["whole"])
    tiny_project.run(pipeline_names=["whole"], namespaces=["stage"])
    assert {"whole (base)", "stage (base)"} <= tiny_project.runs().keys()


def test_a_configured_name_stays(tiny_project: TinyProject) -> None:
    tiny_project.write("smoke/mlflow.yml", {"tracking": {"run": {"name": "mine"}}})
    tiny_project.run(env="smoke")
    assert "mine" in tiny_project.runs()
