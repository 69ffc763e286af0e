"""``qwop export``: tapes become films or recordings of other programs."""

import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from qwop_wr.arena.film import SUFFIXES, TICKS_PER_SECOND, write_film
from qwop_wr.arena.runners import Runner, TapeKeys
from qwop_wr.arena.show import Show
from qwop_wr.commands.tapes import true_tape
from qwop_wr.envs.actions import ACTION_SETS
from qwop_wr.envs.rendering import MAX_LANES
from qwop_wr.envs.rendering.canvas import WIDTH
from qwop_wr.errors import BadInputError
from qwop_wr.simulator.exchange import gym_recording, runr
from qwop_wr.simulator.tape import Tape
from qwop_wr.simulator.whole_path import whole_path

_RATES: Final = ("30", "15", "10")
_DEFAULTS: Final = {".mp4": ("30", WIDTH), ".gif": ("15", WIDTH // 2)}
"""Pictures per second and width of a film, by its kind."""

_SAMPLES: Final = 32
"""Pictures from which a film's colours are chosen; with fewer the hurdle may be missed."""

_RECORDINGS: Final = (gym_recording.SUFFIX, runr.SUFFIX)


@click.command(
    epilog="""\b
    Examples:
      qwop export record.qwop.json record.mp4
      qwop export record.qwop.json hurdle.gif --start 18 --end 22
      qwop export record.qwop.json other.qwop.json race.mp4
      qwop export record.qwop.json record.rec
      qwop export record.qwop.json record.bin
    """
)
@click.argument(
    "tapes", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="TAPE..."
)
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False), metavar="TARGET")
@click.option("--start", type=click.FloatRange(0), default=0.0, help="Film from this second on.")
@click.option("--end", type=click.FloatRange(0), help="Film up to this second.")
@click.option(
    "--width",
    type=click.IntRange(64, 4 * WIDTH),
    help=f"Width of a film [pixels]; {WIDTH} for MP4, {WIDTH // 2} for GIF if omitted.",
)
@click.option(
    "--rate",
    type=click.Choice(_RATES),
    help="Pictures per second of a film; 30 for MP4, 15 for GIF if omitted.",
)
def command(
    tapes: tuple[Path, ...],
    target: Path,
    start: float,
    end: float | None,
    width: int | None,
    rate: str | None,
) -> None:
    """Make a film of tapes, or turn one into another format.

    The suffix of TARGET decides: .mp4 and .gif are films, of a race if there
    are several tapes; .rec is qwop-gym's recording, for its full set of
    actions and one frame per step; .bin is RUNR's. Every TAPE is verified
    first. A TARGET that exists is replaced.
    """
    suffix = target.suffix.lower()
    if suffix not in (*SUFFIXES, *_RECORDINGS):
        raise BadInputError(f"{target}: must end in {', '.join((*SUFFIXES, *_RECORDINGS))}")
    most = 1 if suffix in _RECORDINGS else MAX_LANES
    if len(tapes) > most:
        raise BadInputError(f"{target}: has room for {most}, but there are {len(tapes)} tapes")
    verified = {path: true_tape(path) for path in tapes}
    try:
        if suffix in _RECORDINGS:
            with whole_path(target) as partial:
                partial.write_bytes(_recording(verified[tapes[0]], suffix))
        else:
            default_rate, default_width = _DEFAULTS[suffix]
            first, last = _range(list(verified.values()), start, end)
            _film(
                verified, (first, last), target, int(rate or default_rate), width or default_width
            )
    except OSError as error:
        raise BadInputError(f"{target}: cannot be written: {error.strerror or error}") from error
    click.echo(f"{target}: {target.stat().st_size:,} bytes")


def _recording(tape: Tape, suffix: str) -> bytes:
    keys = tape.per_tick_keys
    if suffix == runr.SUFFIX:
        return runr.encode(keys)
    seed = tape.meta.get("seed", 0)
    is_seed = isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0
    return gym_recording.encode(keys, ACTION_SETS["full"].tolist(), seed if is_seed else 0)


def _range(tapes: Sequence[Tape], start: float, end: float | None) -> tuple[int, int]:
    """Turn seconds into the first and last tick to be filmed."""
    first, last = math.floor(start * TICKS_PER_SECOND), max(tape.ticks for tape in tapes)
    if end is not None:
        last = min(math.ceil(end * TICKS_PER_SECOND), last)
    if first >= last:
        raise BadInputError(
            f"from second {start:g} on there is nothing to film; --start must be before --end and "
            f"before the run's end at {last / TICKS_PER_SECOND:.2f} s"
        )
    return first, last


def _film(
    tapes: Mapping[Path, Tape], ticks: tuple[int, int], target: Path, rate: int, width: int
) -> None:
    runners = [Runner(path.name, TapeKeys(tape), tape.engine) for path, tape in tapes.items()]
    first, last = ticks
    every = TICKS_PER_SECOND // rate
    show = Show(runners)
    samples = list(show.frames(first, last, max((last - first) // _SAMPLES, 1)))
    frames = show.frames(first, last, every)
    length = (last - first) // every + 1
    with click.progressbar(frames, length=length, label="Filming", file=sys.stderr) as shown:
        write_film(shown, samples, target, rate, width)
