"""``qwop import``: files of other programs become ours."""

from pathlib import Path

import click

from qwop_wr.commands.imports import Choices, products
from qwop_wr.envs.actions import ACTION_SETS
from qwop_wr.errors import BadInputError
from qwop_wr.simulator import ENGINES


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
@click.option("--overwrite", is_flag=True, help="Replace files that exist.")
def command(
    files: tuple[Path, ...],
    folder: Path,
    actions: str | None,
    ticks_per_action: int | None,
    engine: str,
    overwrite: bool,
) -> None:
    """Make tapes, agents and demonstrations of other programs' files.

    A FILE is qwop-gym's (.rec) or RUNR's (.bin) recording, which becomes a
    tape; an agent of Stable-Baselines3 (.zip): DQN, QR-DQN, PPO or A2C with
    an MlpPolicy on the 60 circulating numbers; or QWOP-RL's recordings
    (.npz), which become demonstrations.

    Keys are played from a fresh page, and the tape claims what came out
    there: a run recorded on a used page or on other physics may end
    otherwise. Of a .rec file the runs that end with * become tapes. Nothing
    in a file is executed. What is made says where it comes from.
    """
    choices = Choices(actions, ticks_per_action, engine)
    for path in files:
        for product in products(path, choices):
            target = folder / product.name
            if target.exists() and not overwrite:
                raise BadInputError(f"{target}: exists already; --overwrite replaces it")
            try:
                folder.mkdir(parents=True, exist_ok=True)
                product.save(target)
            except OSError as error:
                raise BadInputError(str(error)) from error
            click.echo(f"{target}: {product.words}")
