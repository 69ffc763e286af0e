"""``qwop verify``: are the claims of tapes true?"""

from pathlib import Path

import click

from qwop_wr.commands.tapes import in_browsers, in_words, true_tape
from qwop_wr.errors import BadInputError
from qwop_wr.simulator import PLATFORMS
from qwop_wr.simulator.tape import Tape, replay_tape


@click.command(
    epilog="""\b
    Examples:
      qwop verify record.qwop.json
      qwop verify data/01_raw/*.qwop.json
      qwop verify --platform all record.qwop.json
    """
)
@click.argument(
    "tapes", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="TAPE..."
)
@click.option(
    "--platform",
    type=click.Choice([*PLATFORMS, "all"]),
    help="Tell, too, how the keys end on another platform, or on all.",
)
@click.pass_context
def command(context: click.Context, tapes: tuple[Path, ...], platform: str | None) -> None:
    """Replay key tapes and check every claim they make.

    Each TAPE (*.qwop.json) is played from a fresh start on the engine and the
    platform that it names. One line tells what came out: whether the runner
    finished, the ticks, the game's clock in seconds and the distance in
    metres, and in which browsers that is so. The exit status is 1 if a tape
    cannot be read or if a claim is false.
    """
    all_true = True
    for path in tapes:
        try:
            tape = true_tape(path)
        except BadInputError as error:
            error.show()
            all_true = False
        else:
            where = f"; {in_browsers(tape.platform)}" if tape.platform else ""
            click.echo(f"{path}: {in_words(tape.claims)}{where}")
            for other in _others(tape, platform):
                click.echo(f"  {in_browsers(other)}: {in_words(replay_tape(tape, other))}")
    if not all_true:
        context.exit(1)


def _others(tape: Tape, platform: str | None) -> list[str]:
    if platform is None or tape.platform is None:
        return []
    wanted = PLATFORMS if platform == "all" else (platform,)
    return [name for name in wanted if name != tape.platform]
