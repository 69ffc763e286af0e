"""``qwop watch``: a run in a window."""

from pathlib import Path

import click

from qwop_wr.arena.show import Show
from qwop_wr.arena.watch import Watch
from qwop_wr.arena.window import Window
from qwop_wr.commands.runners import runner


@click.command(
    epilog="""\b
    Keys:
      space        pause, go on
      right, left  a second on, a second back
      . and ,      one tick on, one tick back
      down, up     slower, faster
      R            from the start
      Esc          close

    \b
    Examples:
      qwop watch data/01_raw/record.qwop.json
      qwop watch data/01_raw/expert.safetensors
      qwop watch data/06_models/velocity_agent.safetensors    (its newest version)
    """
)
@click.argument("who", type=click.Path(path_type=Path), metavar="AGENT|TAPE")
def command(who: Path) -> None:
    """Watch an agent or a tape run.

    An AGENT (*.safetensors) plays live, without noise, from a fresh page. A
    TAPE (*.qwop.json) is verified first. A dashed line runs at the pace of
    the human record.
    """
    show = Show([runner(who)])
    with Window(f"QWOP: {who.name}") as window:
        window.run(Watch(show))
