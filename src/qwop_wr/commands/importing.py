"""``qwop import``: recordings of other programs become tapes."""

import hashlib
from pathlib import Path
from typing import Any, Final, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray

from qwop_wr.commands.tapes import in_words
from qwop_wr.envs.actions import ACTION_SETS
from qwop_wr.errors import BadInputError
from qwop_wr.simulator import ENGINES
from qwop_wr.simulator.exchange import MAX_BYTES, gym_recording, runr
from qwop_wr.simulator.tape import SUFFIX, Tape, TapeError

_FORMATS: Final = {gym_recording.SUFFIX: "qwop-gym", runr.SUFFIX: "RUNR"}


class _Run(NamedTuple):
    """Keys of a recorded run, and what else the file says of it."""

    keys: NDArray[np.uint8]
    origin: dict[str, Any]


@click.command(
    epilog="""\b
    Examples:
      qwop import session.rec
      qwop import session.rec --actions seeds --ticks-per-action 4 --to tapes
      qwop import run.bin --to tapes
    """
)
@click.argument(
    "recordings", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RECORDING..."
)
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    metavar="FOLDER",
    help="Where the tapes go; here if omitted.",
)
@click.option(
    "--actions",
    type=click.Choice(list(ACTION_SETS)),
    default="full",
    show_default=True,
    help="Key sets of a .rec file: full is qwop-gym's 16, seeds its reduced 9.",
)
@click.option(
    "--ticks-per-action",
    type=click.IntRange(1, 30),
    default=1,
    show_default=True,
    help="Ticks of an action of a .rec file: qwop-gym's frames_per_step.",
)
@click.option("--overwrite", is_flag=True, help="Replace tapes that exist.")
def command(
    recordings: tuple[Path, ...],
    folder: Path,
    actions: str,
    ticks_per_action: int,
    overwrite: bool,
) -> None:
    """Make tapes of other programs' recordings.

    A RECORDING is qwop-gym's (.rec) or RUNR's (.bin). Its keys are played
    from a fresh page on the exact engine, and the tape claims what came out
    there: a run recorded on a used page or on other physics may end
    otherwise. The tape's meta says where the keys come from. Of a .rec file
    the runs that end with * become tapes.
    """
    for path in recordings:
        runs = _runs(path, actions, ticks_per_action)
        for number, run in enumerate(runs, start=1):
            name = path.stem if len(runs) == 1 else f"{path.stem}_{number:04d}"
            target = folder / f"{name}{SUFFIX}"
            if target.exists() and not overwrite:
                raise BadInputError(f"{target}: exists already; --overwrite replaces it")
            tape = Tape.record(run.keys, ENGINES[0], {"imported": run.origin})
            try:
                folder.mkdir(parents=True, exist_ok=True)
                tape.save(target)
            except (OSError, TapeError) as error:
                raise BadInputError(str(error)) from error
            click.echo(f"{target}: {in_words(tape.claims)}")


def _runs(path: Path, actions: str, ticks_per_action: int) -> list[_Run]:
    if path.suffix not in _FORMATS:
        raise BadInputError(
            f"{path}: must end in {' or '.join(_FORMATS)}, as recordings of "
            f"{' and '.join(_FORMATS.values())} do"
        )
    content = _read(path)
    origin: dict[str, Any] = {
        "format": _FORMATS[path.suffix],
        "file": path.name,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    try:
        if path.suffix == runr.SUFFIX:
            recorded = runr.decode(content)
            return [_Run(recorded.keys, {**origin, "ruleset": recorded.ruleset})]
        recording = gym_recording.decode(content, ACTION_SETS[actions].tolist(), ticks_per_action)
    except TapeError as error:
        raise BadInputError(f"{path}: {error}") from error
    origin |= {"seed": recording.seed, "actions": actions, "ticks_per_action": ticks_per_action}
    return [_Run(keys, {**origin, "episode": number}) for number, keys in recording.episodes]


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise BadInputError(f"{path}: longer than {MAX_BYTES} bytes, the most that is read")
    return content
