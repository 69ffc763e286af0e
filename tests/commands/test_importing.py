"""qwop import."""

import hashlib
import zlib
from pathlib import Path

import numpy as np
import pytest

from qwop_wr.commands.runners import runner
from qwop_wr.datasets import TransitionsDataset
from qwop_wr.simulator.keys import O, P, Q, W
from qwop_wr.simulator.tape import Tape, verify_tape
from tests.agents.foreign.stock import Shapes, saved, stock_model
from tests.commands.qwop import qwop
from tests.imitation.recorder import record


@pytest.fixture
def rec_path(tmp_path: Path) -> Path:
    path = tmp_path / "session.rec"
    runs = ["0\n" * 5 + "*", "3\n16\nX", "7\n8\n" * 3 + "*"]
    path.write_text("seed=12\n" + "\n".join(runs) + "\n")
    return path


def test_kept_runs_of_qwop_gym_become_true_tapes(rec_path: Path, tmp_path: Path) -> None:
    result = qwop("import", rec_path, "--to", tmp_path / "tapes")
    assert result.exit_code == 0, result.output
    first, second = sorted((tmp_path / "tapes").iterdir())
    assert (first.name, second.name) == ("session_0001.qwop.json", "session_0002.qwop.json")
    assert result.stdout.splitlines()[0].startswith(f"{first}: not finished, 5 ticks, 0.200 s, ")
    tape = Tape.load(second)
    assert tape.per_tick_keys.tolist() == [Q | P, W | O] * 3
    assert tape.meta["imported"] == {
        "format": "qwop-gym",
        "file": "session.rec",
        "sha256": hashlib.sha256(rec_path.read_bytes()).hexdigest(),
        "seed": 12,
        "actions": "full",
        "ticks_per_action": 1,
        "episode": 3,
    }
    assert tape.engine == "exact"
    verify_tape(tape)


def test_actions_can_last_longer_and_come_from_the_reduced_set(tmp_path: Path) -> None:
    path = tmp_path / "reduced.rec"
    path.write_text("seed=0\n7\n6\n*\n")
    options = ("--actions", "qwop_gym", "--ticks-per-action", 4, "--to", tmp_path)
    assert qwop("import", path, *options).exit_code == 0
    tape = Tape.load(tmp_path / "reduced.qwop.json")
    assert tape.per_tick_keys.tolist() == [W | O] * 4 + [Q | P] * 4


def test_a_runr_recording_becomes_a_tape(tmp_path: Path) -> None:
    packed = bytes([Q | P << 4, O | W << 4])
    path = tmp_path / "run.bin"
    path.write_bytes(b"RUNR\x01\x05\x04\0\0\0" + zlib.crc32(packed).to_bytes(4, "little") + packed)
    assert qwop("import", path, "--to", tmp_path).exit_code == 0
    tape = Tape.load(tmp_path / "run.qwop.json")
    assert tape.per_tick_keys.tolist() == [Q, P, O, W]
    assert tape.meta["imported"]["ruleset"] == 5


def test_keys_after_the_end_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "long.rec"
    path.write_text("seed=0\n" + "3\n" * 500 + "*\n")
    assert qwop("import", path, "--to", tmp_path).exit_code == 0
    tape = Tape.load(tmp_path / "long.qwop.json")
    assert tape.ticks < 200
    np.testing.assert_array_equal(tape.per_tick_keys, O)


def test_tapes_are_replaced_only_if_asked_for(rec_path: Path, tmp_path: Path) -> None:
    there = tmp_path / "session_0001.qwop.json"
    there.write_text("mine")
    result = qwop("import", rec_path, "--to", tmp_path)
    assert result.exit_code == 1
    assert result.stderr == f"Error: {there}: exists already; --overwrite replaces it\n"
    assert there.read_text() == "mine"
    assert qwop("import", rec_path, "--to", tmp_path, "--overwrite").exit_code == 0
    assert Tape.load(there).ticks == 5


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("run.txt", b"seed=1\n0\n*\n", "must end in one of .rec (a qwop-gym recording), .bin"),
        ("run.rec", b"seed=1\n0\n1\n", "cut off"),
        ("run.rec", b"RUNR\x01", "line 1: must be"),
        ("run.bin", b"seed=1\n0\n*\n", "must begin with RUNR"),
        ("run.bin", b"RUNR\x01\0\xff\xff\xff\xff\0\0\0\0", "got 4294967295"),
        ("run.rec", None, "cannot be read: No such file"),
    ],
)
def test_bad_files_are_told_in_one_line(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    result = qwop("import", path, "--to", tmp_path / "tapes")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {path}: ")
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "tapes").exists()


def test_endless_files_are_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "endless.rec"
    path.symlink_to("/dev/zero")
    result = qwop("import", path)
    assert result.exit_code == 1
    assert "longer than 4194304 bytes" in result.stderr


def test_an_agent_of_stable_baselines_runs_here(tmp_path: Path) -> None:
    path = tmp_path / "model.zip"
    path.write_bytes(saved(stock_model("qrdqn", Shapes(60, 16), n_quantiles=5)))
    result = qwop("import", path, "--to", tmp_path / "agents", "--engine", "box2d")
    assert result.exit_code == 0, result.output
    target = tmp_path / "agents" / "model.safetensors"
    assert result.stdout == (
        f"{target}: QR-DQN, 64 x 64 relu, action set full, 4 ticks per action, engine box2d\n"
    )
    who = runner(target)
    while not who.ended and len(who.played) < 12:
        who.tick()
    keys = np.array(who.played[:12])
    assert (keys.reshape(-1, 4) == keys[::4, None]).all(), "a decision lasts four ticks"


@pytest.mark.parametrize(
    ("shapes", "options", "message"),
    [
        (Shapes(71, 9), (), "reads 71 numbers; known is the observation of 60"),
        (
            Shapes(60, 11),
            (),
            "chooses from 11 actions; the known sets have 9 (minimal), 9 (qwop_gym)",
        ),
        (Shapes(60, 16), ("--actions", "qwop_gym"), "chooses from 16 actions"),
    ],
)
def test_agents_of_other_shapes_are_refused(
    tmp_path: Path, shapes: Shapes, options: tuple[str, ...], message: str
) -> None:
    path = tmp_path / "model.zip"
    path.write_bytes(saved(stock_model("dqn", shapes)))
    result = qwop("import", path, "--to", tmp_path / "agents", *options)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {path}: ")
    assert message in result.stderr
    assert not (tmp_path / "agents").exists()


def test_recordings_of_people_become_demonstrations(tmp_path: Path) -> None:
    arrays, _ = record((20, 10))
    path = tmp_path / "human.npz"
    np.savez(path, **arrays)  # type: ignore[arg-type]
    result = qwop("import", path, "--to", tmp_path / "recordings")
    assert result.exit_code == 0, result.output
    target = tmp_path / "recordings" / "human_demonstrations.npz"
    assert result.stdout.startswith(f"{target}: 2 runs, 28 decisions of 0.")
    assert "position estimated from its speeds" in result.stdout
    recording = TransitionsDataset(filepath=target).load()
    assert recording.interface["observation"] == "absolute"
    assert recording.interface["ticks_per_action"] == 3


def test_recordings_of_other_columns_are_told_in_one_line(tmp_path: Path) -> None:
    arrays, _ = record((5,))
    path = tmp_path / "human.npz"
    del arrays["episode_starts"]
    np.savez(path, **arrays)  # type: ignore[arg-type]
    result = qwop("import", path)
    assert result.stderr == f"Error: {path}: it lacks the array 'episode_starts'\n"
    np.savez(path, obs=np.array([object()]), allow_pickle=True)
    result = qwop("import", path, "--to", tmp_path)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
