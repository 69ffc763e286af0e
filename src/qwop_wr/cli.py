"""The ``qwop`` command: what can be done with the game outside of the pipelines."""

from collections.abc import Mapping
from typing import ClassVar

import click

from qwop_wr import __version__
from qwop_wr.commands.lazy_group import LazyCommand, LazyGroup


class QwopGroup(LazyGroup):
    """The subcommands of ``qwop``."""

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
