"""``qwop race``: several runs in one window."""

from pathlib import Path

import click

from qwop_wr.arena.show import Show
from qwop_wr.arena.watch import Watch
from qwop_wr.arena.window import Window
from qwop_wr.commands.runners import runner
from qwop_wr.envs.rendering import MAX_LANES
from qwop_wr.errors import BadInputError


@click.command(
    epilog="""\b
    Examples:
      qwop race data/01_raw/record.qwop.json data/01_raw/expert.safetensors
      qwop race data/07_model_output/tapes/*/tapes/fastest_0[1-5].qwop.json
    """
)
@click.argument(
    "who", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="AGENT|TAPE..."
)
def command(who: tuple[Path, ...]) -> None:
    """Let up to five agents and tapes race.

    All start together, each in a lane and a game of its own. The dashed line
    across the lanes runs at the pace of the human record. The keys are those
    of qwop watch.
    """
    if len(who) > MAX_LANES:
        raise BadInputError(f"at most {MAX_LANES} can race in one window, got {len(who)}")
    show = Show([runner(path) for path in who])
    with Window("QWOP: race") as window:
        window.run(Watch(show))
