"""The qwop command itself."""

import subprocess
import sys

import click
import pytest

from qwop_wr import __version__
from qwop_wr.cli import QwopGroup, cli
from tests.commands.qwop import qwop

SUMMARIES = QwopGroup.summaries


def test_help_lists_the_commands_and_gives_examples() -> None:
    result = qwop("--help")
    assert result.exit_code == 0
    for name, summary in SUMMARIES.items():
        assert f"\n  {name:<9}  {summary}\n" in result.output
    assert "  qwop verify data/01_raw/record.qwop.json\n" in result.output


@pytest.mark.parametrize("name", SUMMARIES)
def test_every_command_has_its_summary_and_examples(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.get_short_help_str(100) == SUMMARIES[name]
    result = qwop(name, "--help")
    assert result.exit_code == 0
    assert f"  Examples:\n    qwop {name}" in result.output


def test_unknown_commands_are_refused() -> None:
    result = qwop("verfy")
    assert result.exit_code == 2
    assert "verfy" in result.output


def test_version() -> None:
    assert qwop("--version").output == f"qwop, version {__version__}\n"


def test_verifying_does_not_load_what_only_others_need() -> None:
    script = (
        "import sys; from tests.commands.qwop import qwop; qwop('verify', '--help'); "
        "print({'torch', 'kedro', 'mlflow', 'pygame', 'av', 'pandas'} & sys.modules.keys())"
    )
    completed = subprocess.run(  # noqa: S603
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (completed.stdout, completed.stderr) == ("set()\n", "")
