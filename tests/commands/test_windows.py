"""qwop play, watch and race: whom they accept, and what they say without a display."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pygame
import pytest

from qwop_wr.agents.agent import Agent
from qwop_wr.arena.show import Frame
from qwop_wr.arena.window import Scene, Window
from qwop_wr.commands.runners import runner
from qwop_wr.datasets import AgentDataset
from qwop_wr.simulator.tape import Tape, verify_tape
from tests.commands.qwop import qwop

ESCAPE = pygame.event.Event(pygame.KEYDOWN, key=pygame.K_ESCAPE)


@pytest.fixture
def unseen_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")


@pytest.fixture
def impatient_hands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who holds O until the runner falls, and closes the window."""

    def run(window: Window, scene: Scene) -> None:
        scene.handle(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_o))
        for _ in range(300):
            scene.advance(1 / 30)
        window.show(scene.draw())

    monkeypatch.setattr(Window, "run", run)


@pytest.mark.parametrize("command", ["play", "watch", "race"])
def test_without_a_display_one_line_says_what_to_do(command: str, tape_path: Path) -> None:
    result = qwop(command, *([] if command == "play" else [tape_path]))
    assert result.exit_code == 1
    assert result.output == (
        "Error: there is no display to open a window on; run this on a desktop (or through "
        "ssh -X), or make a film instead: qwop export TAPE run.mp4\n"
    )


@pytest.mark.usefixtures("unseen_display")
def test_tapes_and_agents_are_shown(
    tape_path: Path, agent_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Frame] = []

    def show(window: Window, frame: Frame) -> None:
        shown.append(frame)
        pygame.event.post(ESCAPE)

    monkeypatch.setattr(Window, "show", show)
    for arguments in (["watch", tape_path], ["watch", agent_path], ["race", tape_path, agent_path]):
        result = qwop(*arguments)
        assert (result.exit_code, result.output) == (0, "")
    assert len(shown) >= 3
    assert all(frame.shape == (540, 960, 3) for frame in shown)


@pytest.mark.usefixtures("unseen_display", "impatient_hands")
def test_played_runs_are_kept_as_true_tapes(tmp_path: Path) -> None:
    folder = tmp_path / "human" / "tapes"
    for number in (1, 2):
        result = qwop("play", "--record", folder, "--engine", "box2d")
        assert result.exit_code == 0, result.output
        assert result.output.startswith(f"{folder / f'run_000{number}.qwop.json'}: fell at ")
    tape = Tape.load(folder / "run_0002.qwop.json")
    assert verify_tape(tape) == tape.claims
    assert tape.meta == {"made_by": "qwop play", "player": "human", "protocol": "native"}
    assert qwop("play", "--record", folder, "--engine", "box2d", "--finished-only").output == ""
    assert len(list(folder.iterdir())) == 2


def test_which_runs_to_keep_needs_a_place_for_them() -> None:
    result = qwop("play", "--finished-only")
    assert result.exit_code == 1
    assert "--record FOLDER is missing" in result.stderr


def test_the_newest_version_of_an_agent_runs(tmp_path: Path, agent: Agent) -> None:
    folder = tmp_path / "velocity_agent.safetensors"
    for version, shift in (("2026-01-01T00.00.00.000Z", 0.0), ("2026-02-01T00.00.00.000Z", 9.0)):
        weights = {name: array + np.float32(shift) for name, array in agent.weights.items()}
        path = folder / version / folder.name
        AgentDataset(filepath=path).save(replace(agent, weights=weights))
    newest = runner(path)
    assert AgentDataset(filepath=path).load() is not None
    chosen = runner(folder)
    for _ in range(40):
        newest.tick()
        chosen.tick()
    assert chosen.played == newest.played


@pytest.mark.parametrize("command", ["watch", "race"])
def test_what_cannot_run_is_told_in_one_line(
    command: str, tape_path: Path, agent_path: Path, tmp_path: Path
) -> None:
    false = tmp_path / "false.qwop.json"
    replace(Tape.load(tape_path), score_time=1.0).save(false)
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(agent_path.read_bytes()[:-10])
    foreign = tmp_path / "model.zip"
    foreign.write_bytes(b"PK")
    missing = tmp_path / "missing.safetensors"
    for path, message in (
        (false, "false claim: score_time is 1.0"),
        (cut, "truncated or damaged"),
        (foreign, "neither a tape"),
        (missing, "there is no agent here"),
    ):
        result = qwop(command, path)
        assert result.exit_code == 1
        assert str(path) in result.stderr
        assert message in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_a_race_has_five_lanes(tape_path: Path) -> None:
    result = qwop("race", *[tape_path] * 6)
    assert result.exit_code == 1
    assert result.stderr == "Error: at most 5 can race in one window, got 6\n"
