"""``qwop browser``: runs in the real game, in a real browser."""

import shlex
import subprocess
import webbrowser
from collections.abc import Sequence
from pathlib import Path

import click

from qwop_wr.browser.recorder import Keeper, PageRecorder, Proofs, Runs
from qwop_wr.browser.script import Content, person_content, user_script
from qwop_wr.browser.server import GameFolder, GameServer
from qwop_wr.commands.runners import AGENT_SUFFIX, read_agent, script_content
from qwop_wr.errors import BadInputError
from qwop_wr.simulator.tape import Tape

_HOW_WITH_A_SCRIPT = """\
The game at an address of its own is played by a user script:
  1. Install Tampermonkey or Violentmonkey in your browser.
  2. qwop export {runs} game.user.js
  3. Open game.user.js with it, or paste it as a new script; its page is {address}
  4. Open {address}"""


@click.command(
    epilog="""\b
    Examples:
      qwop browser data/01_raw/record.qwop.json --game ~/qwop
      qwop browser data/01_raw/expert.safetensors --game ~/qwop --idle-ticks 7
      qwop browser --record data/01_raw/demonstrations --game ~/qwop
      qwop browser data/01_raw/record.qwop.json --game ~/qwop --browser "firefox -P qwop"
    """
)
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path), metavar="[AGENT|TAPE...]")
@click.option(
    "--game",
    required=True,
    metavar="FOLDER|PAGE|ADDRESS",
    help="Your copy of the game: its folder, or the page in it. For an https:// address the "
    "way with a user script is explained.",
)
@click.option(
    "--record",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="You play; every run is kept as a tape here.",
)
@click.option(
    "--idle-ticks",
    type=click.IntRange(0, 600),
    default=0,
    help="Ticks without keys before an agent's first decision.",
)
@click.option("--shim", is_flag=True, help="Put the tape's sine into the page, and say so.")
@click.option("--browser", metavar="COMMAND", help="Open the page with this browser.")
@click.option("--print-only", is_flag=True, help="Open no browser, only print the address.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port; a free one if 0.")
@click.pass_context
def command(  # noqa: PLR0913 - one parameter per option
    context: click.Context,
    *,
    runs: tuple[Path, ...],
    game: str,
    folder: Path | None,
    idle_ticks: int,
    shim: bool,
    browser: str | None,
    print_only: bool,
    port: int,
) -> None:
    """Watch a run happen in the real game, in your own browser.

    The page of your copy is served on this machine only, with a script put
    in that holds the keys tick by tick. Every tick's state comes back and is
    compared bit for bit with the engine on the browser's platform; the
    verdict is printed, and a proof is left beside the TAPE. Of several tapes
    the one of the browser's platform is played. An AGENT decides in the page;
    its run is kept as a tape. Ends when the page is closed, or with Ctrl-C.
    """
    if bool(runs) == (folder is not None):
        raise BadInputError("name a TAPE or an AGENT to watch, or --record FOLDER to play yourself")
    if idle_ticks and not any(path.suffix.lower() == AGENT_SUFFIX for path in runs):
        raise BadInputError("--idle-ticks is for agents; a tape has its own ticks without keys")
    if "://" in game:
        named = " ".join(shlex.quote(str(path)) for path in runs) or "RUN"
        click.echo(_HOW_WITH_A_SCRIPT.format(runs=named, address=game))
        return
    try:
        server = GameServer(GameFolder(Path(game)), port)
    except ValueError as error:
        raise BadInputError(f"--game {error}") from error
    except OSError as error:
        raise BadInputError(f"--port {port}: cannot be served at: {error.strerror}") from error
    with server:
        content, keep, platform = _roles(runs, folder, idle_ticks, shim, server)
        recorder = PageRecorder(keep, click.echo, platform)
        script = user_script(content, server.api, platform)
        try:
            server.serve_page(script, recorder, lambda: _open(server.address, browser, print_only))
        except KeyboardInterrupt:
            click.echo("stopped")
    is_good = bool(recorder.verdicts) and recorder.verdicts[-1].good
    if runs and not is_good:
        context.exit(1)


def _roles(
    runs: Sequence[Path], folder: Path | None, idle_ticks: int, shim: bool, server: GameServer
) -> tuple[Content, Keeper, str | None]:
    """Return the script's content, the keeper of its results, and the platform of a shim."""
    if folder is not None:
        if shim:
            raise BadInputError("--shim is for tapes; --record wants the browser's own sine")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInputError(f"{folder}: cannot be made: {error.strerror}") from error
        origin = {"made_by": "qwop browser", "player": "human", "protocol": "native"}
        return person_content(), Runs(folder / "run", origin, click.echo, None, server.served), None
    content = script_content(runs, idle_ticks)
    path = runs[0]
    if path.suffix.lower() == AGENT_SUFFIX:
        if shim:
            raise BadInputError("--shim is for tapes; an agent runs whatever the sine")
        fingerprint = read_agent(path).fingerprint
        meta: dict[str, str | int] = {"made_by": "qwop browser", "agent": fingerprint}
        meta["idle_ticks"] = idle_ticks
        played = {"kind": "agent", "file": path.name, "fingerprint": fingerprint}
        stem = path.with_name(f"{path.stem}_run")
        return content, Runs(stem, meta, click.echo, played, server.served), None
    loaded = [(one, Tape.load(one)) for one in runs]
    tapes = {tape.platform: (one, tape) for one, tape in loaded if tape.platform is not None}
    if shim and len(tapes) > 1:
        raise BadInputError("--shim puts in the sine of one tape; name only one")
    platform = next(iter(tapes)) if shim else None
    return content, Proofs(tapes, server.served, click.echo), platform


def _open(address: str, browser: str | None, print_only: bool) -> None:
    click.echo(f"{address}\nCtrl-C ends")
    if print_only:
        return
    if browser is None:
        if not webbrowser.open(address):
            click.echo("no browser could be opened: open the address above in one")
        return
    try:
        subprocess.Popen(  # noqa: S603 - the user's own command
            [*shlex.split(browser), address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    except (OSError, ValueError) as error:
        raise BadInputError(f"--browser {browser}: cannot be started: {error}") from error
