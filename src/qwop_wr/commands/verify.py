"""``qwop verify``: are the claims of tapes true?"""

from pathlib import Path

import click

from qwop_wr.commands.tapes import in_words, true_tape
from qwop_wr.errors import BadInputError


@click.command(
    epilog="""\b
    Examples:
      qwop verify record.qwop.json
      qwop verify data/01_raw/*.qwop.json
    """
)
@click.argument(
    "tapes", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="TAPE..."
)
@click.pass_context
def command(context: click.Context, tapes: tuple[Path, ...]) -> None:
    """Replay key tapes and check every claim they make.

    Each TAPE (*.qwop.json) is played from a fresh start on the engine that
    it names. One line tells what came out: whether the runner finished, the
    ticks, the game's clock in seconds and the distance in metres. The exit
    status is 1 if a tape cannot be read or if a claim is false.
    """
    all_true = True
    for path in tapes:
        try:
            tape = true_tape(path)
        except BadInputError as error:
            error.show()
            all_true = False
        else:
            click.echo(f"{path}: {in_words(tape.claims)}")
    if not all_true:
        context.exit(1)
