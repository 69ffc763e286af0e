"""qwop browser, and user scripts by qwop export."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from qwop_wr.commands import runners
from qwop_wr.simulator.tape import Tape
from tests.commands.qwop import qwop

pytest.importorskip("playwright", reason="needs Playwright: pip install -e '.[dev]'")

from tests.browser.pages import browser, folder, own_checksum, toy
from tests.browser.toy import RUN, toy_tape

__all__ = ["browser", "folder", "own_checksum", "toy"]


def test_a_tape_from_the_command_line(
    toy: None, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runners, "true_tape", Tape.load)
    path = tmp_path / "run.qwop.json"
    tape = toy_tape([RUN] * 200)
    tape.save(path)
    command = f"{sys.executable} -m tests.browser.visitor"
    result = qwop("browser", path, "--game", folder, "--browser", command)
    assert result.exit_code == 0, result.output
    address, hint, proof, verdict = result.stdout.splitlines()
    assert address.startswith("http://127.0.0.1:")
    assert address.endswith("/index.html")
    assert hint == "Ctrl-C ends"
    assert proof == f"{tmp_path / 'run.proof.json'}: proof"
    assert verdict.startswith(f"landed at tick {tape.ticks}, 0 of {(tape.ticks + 1) * 89:,} values")


def test_the_exit_status_tells_that_nothing_landed(
    toy: None, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runners, "true_tape", Tape.load)
    path = tmp_path / "run.qwop.json"
    toy_tape([RUN] * 200, "firefox").save(path)
    command = f"{sys.executable} -m tests.browser.visitor"
    result = qwop("browser", path, "--game", folder, "--browser", command)
    assert result.exit_code == 1
    assert "no tape for this browser: its sine is chromium's" in result.stdout


def test_an_address_is_for_the_user_script(tape_path: Path) -> None:
    result = qwop("browser", tape_path, "--game", "https://www.foddy.net/Athletics.html")
    assert result.exit_code == 0
    assert f"qwop export {tape_path} game.user.js" in result.stdout
    assert "https://www.foddy.net/Athletics.html" in result.stdout


def exact_tape(path: Path) -> Path:
    Tape.record(toy_tape([RUN] * 9).per_tick_keys).save(path)
    return path


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--game", "{game}"), "name a TAPE or an AGENT to watch, or --record FOLDER"),
        (("{tape}", "--record", "{new}", "--game", "{game}"), "name a TAPE or an AGENT"),
        (("{tape}", "--game", "{new}"), "--game {new}: there is no such folder"),
        (("{tape}", "--game", "{empty}"), "--game {empty}: holds no page (*.html)"),
        (("{tape}", "--game", "{game}", "--port", "{port}"), "--port {port}: cannot be served"),
        (("{tape}", "--game", "{game}", "--browser", "no-such-b"), "--browser no-such-b: cannot"),
        (("{tape}", "{agent}", "--game", "{game}"), "an agent plays alone"),
        (("{tape}", "{capitals}", "--game", "{game}"), "an agent plays alone"),
        (("{capitals}", "--idle-ticks", "3", "--shim", "--game", "{game}"), "--shim is for tapes"),
        (("{tape}", "{tape}", "--game", "{game}"), "two tapes of platform 'chromium'"),
        (("{box2d}", "--game", "{game}"), "but the tape is of 'box2d'"),
        (("{agent}", "--shim", "--game", "{game}"), "--shim is for tapes; an agent runs"),
        (("--record", "{new}", "--shim", "--game", "{game}"), "--shim is for tapes; --record"),
        (("{tape}", "--idle-ticks", "3", "--game", "{game}"), "--idle-ticks is for agents"),
        (("--record", "{file}", "--game", "{game}"), "is a file"),
        (("{new}", "--game", "{game}"), "{new}"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    folder: Path,
    tape_path: Path,
    agent_path: Path,
    tmp_path: Path,
    options: tuple[str, ...],
    message: str,
) -> None:
    (tmp_path / "empty").mkdir()
    capitals = tmp_path / "AGENT.SafeTensors"
    capitals.write_bytes(agent_path.read_bytes())
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        names = {
            "game": folder,
            "tape": exact_tape(tmp_path / "exact.qwop.json"),
            "box2d": tape_path,
            "agent": agent_path,
            "capitals": capitals,
            "new": tmp_path / "new",
            "empty": tmp_path / "empty",
            "file": tape_path,
            "port": taken.getsockname()[1],
        }
        result = qwop("browser", *(option.format(**names) for option in options))
    assert result.exit_code != 0
    assert message.format(**names) in result.stderr
    assert len([line for line in result.stderr.splitlines() if "Error" in line]) == 1


def test_ctrl_c_ends_it(folder: Path, tmp_path: Path) -> None:
    path = exact_tape(tmp_path / "exact.qwop.json")
    command = [sys.executable, "-c", "from qwop_wr.cli import main; main()", "browser", str(path)]
    process = subprocess.Popen(  # noqa: S603
        [*command, "--game", str(folder), "--print-only"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("http://127.0.0.1:")
    assert process.stdout.readline() == "Ctrl-C ends\n"
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert (output, process.returncode) == ("stopped\n", 1)
    assert "Traceback" not in errors


def test_a_tape_of_an_older_engine_is_told(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.qwop.json"
    toy_tape([RUN] * 9).save(path)
    result = qwop("browser", path, "--game", folder)
    assert result.exit_code == 1
    assert f"Error: {path}: engine_version: recorded on 'exact' version 'toy'" in result.stderr


def test_a_user_script_is_exported(tmp_path: Path) -> None:
    target = tmp_path / "game.user.js"
    result = qwop("export", exact_tape(tmp_path / "exact.qwop.json"), target)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{target}: {target.stat().st_size:,} bytes\n"
    assert target.read_text().startswith("// ==UserScript==\n// @name QWOP: exact\n")


def test_an_agents_user_script_is_exported(agent_path: Path, tmp_path: Path) -> None:
    target = tmp_path / "game.user.js"
    assert qwop("export", agent_path, target).exit_code == 0
    assert '"agent":{' in target.read_text()
    result = qwop("export", agent_path, agent_path, target)
    assert result.exit_code == 1
    assert "an agent plays alone" in result.stderr
