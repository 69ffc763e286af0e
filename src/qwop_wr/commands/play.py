"""``qwop play``: the game in a window."""

from collections.abc import Callable
from pathlib import Path

import click

from qwop_wr.arena.play import Play
from qwop_wr.arena.runners import Runner
from qwop_wr.arena.window import Window
from qwop_wr.errors import BadInputError
from qwop_wr.simulator import DEFAULT_PLATFORM, ENGINES, PLATFORMS
from qwop_wr.simulator.tape import SUFFIX, TapeError


@click.command(
    epilog="""\b
    Examples:
      qwop play
      qwop play --record data/01_raw/demonstrations
      qwop play --record data/01_raw/demonstrations --finished-only
    """
)
@click.option(
    "--record",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Keep every run that ends as a tape here; runs then start on fresh pages.",
)
@click.option("--finished-only", is_flag=True, help="Keep only runs that finish the 100 m.")
@click.option(
    "--engine", type=click.Choice(ENGINES), default=ENGINES[0], help="Physics.", show_default=True
)
@click.option(
    "--platform",
    type=click.Choice(PLATFORMS),
    default=DEFAULT_PLATFORM,
    help="Browsers whose arithmetic the exact engine uses.",
    show_default=True,
)
def command(folder: Path | None, finished_only: bool, engine: str, platform: str) -> None:
    """Play the game yourself.

    Q and W swing the thighs, O and P the calves. The clock starts with the
    first key and makes 30 ticks a second. R runs again, on the used track as
    in the browser game; Esc closes.
    """
    if finished_only and folder is None:
        raise BadInputError("--finished-only says which runs to keep; --record FOLDER is missing")
    on_end = None if folder is None else _recorder(folder, finished_only)
    with Window("QWOP") as window:
        window.run(Play(on_end, engine, platform))


def _recorder(folder: Path, finished_only: bool) -> Callable[[Runner], None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInputError(f"{folder}: cannot be made: {error.strerror}") from error

    def record(runner: Runner) -> None:
        if finished_only and not runner.finished:
            return
        path = _free_path(folder)
        try:
            runner.tape().save(path)
        except TapeError as error:
            raise BadInputError(str(error)) from error
        click.echo(f"{path}: {runner.result}")

    return record


def _free_path(folder: Path) -> Path:
    number = 1
    while (path := folder / f"run_{number:04d}{SUFFIX}").exists():
        number += 1
    return path
