"""The qwop command, as a user types it."""

from click.testing import CliRunner, Result

from qwop_wr.cli import cli


def qwop(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])
