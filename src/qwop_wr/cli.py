"""The ``qwop`` command: what can be done with the game outside of the pipelines."""

from collections.abc import Mapping
from importlib import import_module
from typing import ClassVar

import click

from qwop_wr import __version__


class QwopGroup(click.Group):
    """The subcommands of ``qwop``, in the help's order; imported only when they are called."""

    summaries: ClassVar[Mapping[str, str]] = {
        "play": "Play the game yourself.",
        "watch": "Watch an agent or a tape run.",
        "race": "Let up to five agents and tapes race.",
        "browser": "Watch a run happen in the real game, in your own browser.",
        "verify": "Replay key tapes and check every claim they make.",
        "export": "Make a film of runs, or turn one into another format.",
        "import": "Make tapes, agents and demonstrations of other programs' files.",
        "prune": "Remove old versions that nothing refers to.",
        "benchmark": "Measure the engines' speed on this machine.",
    }
    """What the group's help says of the commands, by name; each is in a module of that name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands in the order given."""
        return list(self.summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None if there is none of that name."""
        if cmd_name not in self.summaries:
            return None
        module = "importing" if cmd_name == "import" else cmd_name
        command: click.Command = import_module(f"qwop_wr.commands.{module}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.summaries.items()))


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
