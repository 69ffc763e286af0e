"""``qwop export``: runs become films, user scripts, tapes or recordings of other programs."""

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from qwop_wr.arena.film import SUFFIXES, TICKS_PER_SECOND, write_film
from qwop_wr.arena.runners import Runner
from qwop_wr.arena.show import Show
from qwop_wr.browser.script import SUFFIX as SCRIPT_SUFFIX
from qwop_wr.browser.script import user_script
from qwop_wr.commands.runners import AGENT_SUFFIX, runner, script_content
from qwop_wr.envs import ACTION_SETS, EnvironmentOptions
from qwop_wr.envs.rendering import MAX_LANES
from qwop_wr.envs.rendering.canvas import WIDTH
from qwop_wr.errors import BadInputError
from qwop_wr.simulator import PLATFORMS
from qwop_wr.simulator.exchange import gym_recording, runr
from qwop_wr.simulator.tape import SUFFIX as TAPE_SUFFIX
from qwop_wr.simulator.tape import TapeError
from qwop_wr.whole_files import whole_path

_RATES: Final = ("30", "15", "10")
_DEFAULTS: Final = {".mp4": ("30", WIDTH), ".gif": ("15", WIDTH // 2)}
"""Pictures per second and width of a film, by its kind."""

_SAMPLES: Final = 32
"""Pictures from which a film's colours are chosen; with fewer the hurdle may be missed."""

_ROOM: Final = {
    **dict.fromkeys(SUFFIXES, MAX_LANES),
    **dict.fromkeys((TAPE_SUFFIX, gym_recording.SUFFIX, runr.SUFFIX), 1),
    SCRIPT_SUFFIX: len(PLATFORMS),
}
"""Most runs per file, by its ending."""

_LONGEST_RUN: Final = EnvironmentOptions().max_ticks
"""Ticks after which the run of an agent that neither finishes nor falls is cut."""


@click.command(
    epilog="""\b
    Examples:
      qwop export record.qwop.json record.mp4
      qwop export record.qwop.json hurdle.gif --start 18 --end 22
      qwop export record.qwop.json expert.safetensors race.mp4
      qwop export record.qwop.json game.user.js
      qwop export expert.safetensors native.qwop.json
      qwop export record.qwop.json record.rec
      qwop export record.qwop.json record.bin
    """
)
@click.argument(
    "sources", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="AGENT|TAPE..."
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
    sources: tuple[Path, ...],
    target: Path,
    start: float,
    end: float | None,
    width: int | None,
    rate: str | None,
) -> None:
    """Make a film of runs, or turn one into another format.

    The name of TARGET decides: .mp4 and .gif are films, of a race if there
    are several runs; .user.js is a user script that plays in the page of the
    original game: an agent, or of several tapes the one of the browser's
    platform; .qwop.json is a tape; .rec is qwop-gym's recording, for its full
    set of actions and one frame per step, of a run that begins with a tick
    without keys as all of its do; .bin is RUNR's. Every TAPE is verified
    first; an AGENT runs without noise from a fresh page, for 100 s at most. A
    TARGET that exists is replaced.
    """
    suffix = next((one for one in _ROOM if target.name.lower().endswith(one)), None)
    if suffix is None:
        raise BadInputError(f"{target}: must end in {', '.join(_ROOM)}")
    if len(sources) > _ROOM[suffix]:
        raise BadInputError(
            f"{target}: has room for {_ROOM[suffix]}, but there are {len(sources)} runs"
        )
    is_script = suffix == SCRIPT_SUFFIX
    content = user_script(script_content(sources)).encode() if is_script else b""
    runners = [] if is_script else [_played(path) for path in sources]
    try:
        if suffix in SUFFIXES:
            default_rate, default_width = _DEFAULTS[suffix]
            ticks = _range(runners, start, end)
            _film(runners, ticks, target, int(rate or default_rate), width or default_width)
        else:
            with whole_path(target) as partial:
                partial.write_bytes(content or _recording(runners[0], suffix))
    except TapeError as error:
        raise BadInputError(f"{target}: cannot be written: {error}") from error
    except OSError as error:
        raise BadInputError(f"{target}: cannot be written: {error.strerror or error}") from error
    click.echo(f"{target}: {target.stat().st_size:,} bytes")


def _played(path: Path) -> Runner:
    """Play a run to its end."""
    played = runner(path)
    is_agent = path.suffix.lower() == AGENT_SUFFIX
    while not played.ended and not (is_agent and len(played.played) >= _LONGEST_RUN):
        played.tick()
    return played


def _recording(played: Runner, suffix: str) -> bytes:
    tape = played.tape()
    if suffix == TAPE_SUFFIX:
        return tape.to_json().encode()
    if suffix == runr.SUFFIX:
        if tape.soft_resets:
            raise TapeError("it begins on a used page, but RUNR's runs begin on a fresh one")
        return runr.encode(tape.per_tick_keys)
    seed = tape.meta.get("seed", 0)
    is_seed = isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0
    masks = ACTION_SETS["full"].tolist()
    return gym_recording.encode(tape.per_tick_keys, masks, seed if is_seed else 0)


def _range(runners: Sequence[Runner], start: float, end: float | None) -> tuple[int, int]:
    """Convert seconds to the first and last tick of the film."""
    first = math.floor(start * TICKS_PER_SECOND)
    length = last = max(len(played.played) for played in runners)
    if end is not None:
        last = min(math.ceil(end * TICKS_PER_SECOND), last)
    if first >= last:
        raise BadInputError(
            f"--start {start:g}: must be before --end and before the run's end at "
            f"{length / TICKS_PER_SECOND:.2f} s"
        )
    return first, last


def _film(
    runners: Sequence[Runner], ticks: tuple[int, int], target: Path, rate: int, width: int
) -> None:
    show = Show(runners)
    first, last = ticks
    every = TICKS_PER_SECOND // rate
    samples = list(show.frames(first, last, max((last - first) // _SAMPLES, 1)))
    frames = show.frames(first, last, every)
    length = (last - first) // every + 1
    with click.progressbar(frames, length=length, label="Filming", file=sys.stderr) as shown:
        write_film(shown, samples, target, rate, width)
