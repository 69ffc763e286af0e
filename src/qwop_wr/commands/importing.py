"""``qwop import``: files of other programs become ours."""

from pathlib import Path

import click

from qwop_wr.commands.imports import Choices, Product, products
from qwop_wr.envs.actions import ACTION_SETS
from qwop_wr.errors import BadInputError
from qwop_wr.simulator import ENGINES, PLATFORMS


@click.command(
    epilog="""\b
    Examples:
      qwop import session.rec
      qwop import session.rec --actions qwop_gym --ticks-per-action 4 --to tapes
      qwop import run.bin --to tapes
      qwop import model.zip --ticks-per-action 4 --to data/01_raw/guests
      qwop import kuro_try1.npz --to data/01_raw/recordings
    """
)
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    metavar="FOLDER",
    help="Where the results go; here if omitted.",
)
@click.option(
    "--actions",
    type=click.Choice(list(ACTION_SETS)),
    help="Key sets: full is qwop-gym's 16, seeds its reduced 9. If omitted, full for a .rec, "
    "by their number for a .zip, minimal for an .npz.",
)
@click.option(
    "--ticks-per-action",
    type=click.IntRange(1, 30),
    help="Ticks of an action, qwop-gym's frames_per_step. If omitted, 1 for a .rec, 4 for a "
    ".zip, 3 for an .npz.",
)
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default=ENGINES[0],
    show_default=True,
    help="Engine that keys are replayed on, or that an agent runs on.",
)
@click.option(
    "--platform",
    type=click.Choice(PLATFORMS),
    help="Browsers that a recording was made in; all are tried if omitted.",
)
@click.option(
    "--fresh-pages",
    is_flag=True,
    help="A .rec's recorder loaded the page anew for every run (reload_on_reset).",
)
@click.option("--overwrite", is_flag=True, help="Replace files that exist.")
@click.pass_context
def command(  # noqa: PLR0913, PLR0917 (an argument per option)
    context: click.Context,
    files: tuple[Path, ...],
    folder: Path,
    actions: str | None,
    ticks_per_action: int | None,
    engine: str,
    platform: str | None,
    fresh_pages: bool,
    overwrite: bool,
) -> None:
    """Make tapes, agents and demonstrations of other programs' files.

    A FILE is qwop-gym's (.rec) or RUNR's (.bin) recording, which becomes a
    tape; an agent of Stable-Baselines3 (.zip): DQN, QR-DQN, PPO or A2C with
    an MlpPolicy on the 60 circulating numbers; or QWOP-RL's recordings
    (.npz), which become demonstrations.

    Of a .rec file the runs that end with * become tapes; one that is cut off
    or damaged is left out. A run holds in one kind of browser and, with
    qwop-gym, at every second reset begins on a used page: all are tried, and
    the tape is of the first in which the run ends with the recording's last
    action. The line says so, or that there is none. Nothing in a file is
    executed. What is made says where it comes from. A file that cannot be
    used does not keep the others from being read.
    """
    all_read = True

    def tell(words: str) -> None:
        click.echo(f"Warning: {words}", err=True)

    choices = Choices(actions, ticks_per_action, engine, platform, fresh_pages, tell)
    for path in files:
        try:
            for product in products(path, choices):
                all_read &= _save(product, folder, overwrite)
        except BadInputError as error:
            error.show()
            all_read = False
    if not all_read:
        context.exit(1)


def _save(product: Product, folder: Path, overwrite: bool) -> bool:
    """Write a result; return whether it was written."""
    target = folder / product.name
    try:
        if target.exists() and not overwrite:
            raise BadInputError(f"{target}: exists already; --overwrite replaces it")
        folder.mkdir(parents=True, exist_ok=True)
        product.save(target)
    except OSError as error:
        BadInputError(str(error)).show()
        return False
    except BadInputError as error:
        error.show()
        return False
    click.echo(f"{target}: {product.words}")
    return True
