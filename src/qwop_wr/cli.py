"""The ``qwop`` command: what can be done with the game outside of the pipelines."""

from pathlib import Path

import click

from qwop_wr import __version__
from qwop_wr.simulator.tape import Tape, TapeError, TapeResult, verify_tape


@click.group()
@click.version_option(__version__, prog_name="qwop")
def cli() -> None:
    """QWOP's 100 m, run by an agent: check its key tapes.

    Training and evaluation are Kedro's: see kedro run --help.
    """


@cli.command(
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
def verify(context: click.Context, tapes: tuple[Path, ...]) -> None:
    """Replay key tapes and check every claim they make.

    Each TAPE (*.qwop.json) is played from a fresh start on the engine that
    it names. One line tells what came out: whether the runner finished, the
    ticks, the game's clock in seconds and the distance in metres. The exit
    status is 1 if a tape cannot be read or if a claim is false.
    """
    all_true = True
    for path in tapes:
        try:
            result = _replayed(path)
        except TapeError as error:
            click.echo(f"Error: {error}", err=True)
            all_true = False
        else:
            click.echo(f"{path}: {_in_words(result)}")
    if not all_true:
        context.exit(1)


def main() -> None:
    """Run the ``qwop`` command."""
    cli(prog_name="qwop")


def _replayed(path: Path) -> TapeResult:
    tape = Tape.load(path)
    try:
        return verify_tape(tape)
    except TapeError as error:
        raise TapeError(f"{path}: {error}") from error


def _in_words(result: TapeResult) -> str:
    end = "finished" if result.finished else "not finished"
    return f"{end}, {result.ticks} ticks, {result.score_time:.3f} s, {result.distance:.1f} m"
