"""The ``qwop`` command: what can be done with the game outside of the pipelines."""

from collections.abc import Mapping
from importlib import import_module
from typing import ClassVar, NamedTuple

import click

from qwop_wr import __version__


class LazyCommand(NamedTuple):
    """Where a command is.

    Attributes:
        module: Module that has it, under the name ``command``.
        summary: What the group's help says of it.
    """

    module: str
    summary: str


class QwopGroup(click.Group):
    """The subcommands of ``qwop``, in the help's order; imported only when they are called."""

    lazy_commands: ClassVar[Mapping[str, LazyCommand]] = {
        "play": LazyCommand("qwop_wr.commands.play", "Play the game yourself."),
        "watch": LazyCommand("qwop_wr.commands.watch", "Watch an agent or a tape run."),
        "race": LazyCommand("qwop_wr.commands.race", "Let up to five agents and tapes race."),
        "browser": LazyCommand(
            "qwop_wr.commands.browser", "Watch a run happen in the real game, in your own browser."
        ),
        "verify": LazyCommand(
            "qwop_wr.commands.verify", "Replay key tapes and check every claim they make."
        ),
        "export": LazyCommand(
            "qwop_wr.commands.export", "Make a film of runs, or turn one into another format."
        ),
        "import": LazyCommand(
            "qwop_wr.commands.importing",
            "Make tapes, agents and demonstrations of other programs' files.",
        ),
        "prune": LazyCommand(
            "qwop_wr.commands.prune", "Remove old versions that nothing refers to."
        ),
        "benchmark": LazyCommand(
            "qwop_wr.commands.benchmark", "Measure the engines' speed on this machine."
        ),
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands in the order given."""
        return list(self.lazy_commands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None if there is none of that name."""
        if cmd_name not in self.lazy_commands:
            return None
        command: click.Command = import_module(self.lazy_commands[cmd_name].module).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.summary) for name, lazy in self.lazy_commands.items()])


@click.group(
    cls=QwopGroup,
    epilog="""\b
    Examples:
      qwop verify data/01_raw/record.qwop.json
      qwop watch data/01_raw/expert.safetensors
      qwop race data/01_raw/record.qwop.json data/01_raw/expert.safetensors
      qwop browser data/01_raw/record.qwop.json --game FOLDER
      qwop export data/01_raw/record.qwop.json record.mp4
    """,
)
@click.version_option(__version__, prog_name="qwop")
def cli() -> None:
    """QWOP's 100 m: play it, watch agents run it, check and exchange key tapes.

    Training and evaluation are Kedro's: see kedro run --help.
    """


def main() -> None:
    """Run the ``qwop`` command."""
    cli(prog_name="qwop")
