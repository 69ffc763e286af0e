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
    runs = ["0\n" * 5 + "*", "3\n16\nX", "7\n8\n" * 3 + "*"]  # 7 is QP, 8 is WO
    path.write_text("seed=12\n" + "\n".join(runs) + "\n")
    return path


def test_kept_runs_of_qwop_gym_become_true_tapes(rec_path: Path, tmp_path: Path) -> None:
    result = qwop("import", rec_path, "--to", tmp_path / "tapes")
    assert result.exit_code == 0, result.output
    first, second = sorted((tmp_path / "tapes").iterdir())
    assert (first.name, second.name) == ("session_0001.qwop.json", "session_0002.qwop.json")
    assert result.stdout.splitlines()[0].startswith(f"{first}: not finished, 6 ticks, 0.233 s, ")
    tape = Tape.load(second)
    assert tape.per_tick_keys.tolist() == [0] + [Q | P, W | O] * 3
    assert (tape.soft_resets, tape.platform) == (1, "chromium")
    assert "the recording does not end so: platform chromium, on a used page" in result.stdout
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
    assert tape.per_tick_keys.tolist() == [0] + [W | O] * 4 + [Q | P] * 4


def test_a_runr_recording_becomes_a_tape(tmp_path: Path) -> None:
    packed = bytes([Q | P << 4, O | W << 4])
    path = tmp_path / "run.bin"
    path.write_bytes(b"RUNR\x01\x01\x04\0\0\0" + zlib.crc32(packed).to_bytes(4, "little") + packed)
    assert qwop("import", path, "--to", tmp_path).exit_code == 0
    tape = Tape.load(tmp_path / "run.qwop.json")
    assert tape.per_tick_keys.tolist() == [Q, P, O, W]
    assert tape.meta["imported"]["ruleset"] == 1


def test_a_cut_recording_keeps_its_whole_runs(rec_path: Path, tmp_path: Path) -> None:
    with rec_path.open("a") as file:
        file.write("1\n1")
    result = qwop("import", rec_path, "--to", tmp_path / "tapes")
    assert result.exit_code == 0
    assert result.stderr == (
        "Warning: session.rec: left out run 4: it is cut off: '*' or 'X' is missing after the "
        "last action\n"
    )
    assert len(list((tmp_path / "tapes").iterdir())) == 2


def test_a_file_that_cannot_be_used_does_not_keep_others_out(
    rec_path: Path, tmp_path: Path
) -> None:
    bad, good = tmp_path / "bad.rec", tmp_path / "GOOD.REC"
    bad.write_text("seed=1\n0\n")
    rec_path.rename(good)
    result = qwop("import", bad, good, "--to", tmp_path / "tapes")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {bad}: run 1: it is cut off")
    names = sorted(path.name for path in (tmp_path / "tapes").iterdir())
    assert names == ["GOOD_0001.qwop.json", "GOOD_0002.qwop.json"]


def test_the_page_and_the_browser_can_be_said(rec_path: Path, tmp_path: Path) -> None:
    options = ("--fresh-pages", "--platform", "firefox", "--to", tmp_path / "tapes")
    result = qwop("import", rec_path, *options)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0].endswith("does not end so: platform firefox")
    for path in (tmp_path / "tapes").iterdir():
        assert (Tape.load(path).platform, Tape.load(path).soft_resets) == ("firefox", 0)


def test_the_end_tells_the_browser(tmp_path: Path) -> None:
    keys = np.append(np.zeros(1, np.uint8), np.random.default_rng(4).integers(0, 16, 400))
    tape = Tape.record(keys.astype(np.uint8), platform="node")
    tape.save(tmp_path / "run.qwop.json")
    assert qwop("export", tmp_path / "run.qwop.json", tmp_path / "run.rec").exit_code == 0
    result = qwop("import", tmp_path / "run.rec", "--fresh-pages", "--to", tmp_path / "back")
    assert "ends as recorded on platform " in result.stdout
    back = Tape.load(tmp_path / "back/run.qwop.json")
    assert f" {back.platform}" in result.stdout
    assert (back.keys, back.ticks) == (tape.keys, tape.ticks)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("model.pkl", "a pickle executes what it loads and is not read; its name must end"),
        ("model.PT", "weights alone do not say which agent they are; save it with model.save()"),
        ("model.tar.gz", "unpack it first; its name must end"),
    ],
)
def test_files_of_other_kinds(tmp_path: Path, name: str, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"x")
    result = qwop("import", path)
    assert result.exit_code == 1
    assert words in result.stderr


@pytest.mark.parametrize("name", ["vecnormalize.pkl", "vec_norm.pkl", "model/VecNormalize.pkl"])
def test_normalised_observations_are_not_passed_over(tmp_path: Path, name: str) -> None:
    path = tmp_path / "model.zip"
    path.write_bytes(saved(stock_model("dqn")))
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"")
    result = qwop("import", path, "--to", tmp_path / "agents")
    assert result.exit_code == 1
    assert f"{Path(name).name} lies beside it: the agent reads observations" in result.stderr
    assert not (tmp_path / "agents").exists()


def test_keys_after_the_end_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "long.rec"
    path.write_text("seed=0\n" + "3\n" * 500 + "*\n")
    assert qwop("import", path, "--to", tmp_path).exit_code == 0
    tape = Tape.load(tmp_path / "long.qwop.json")
    assert tape.ticks < 200
    np.testing.assert_array_equal(tape.per_tick_keys[1:], O)


def test_tapes_are_replaced_only_if_asked_for(rec_path: Path, tmp_path: Path) -> None:
    there = tmp_path / "session_0001.qwop.json"
    there.write_text("mine")
    result = qwop("import", rec_path, "--to", tmp_path)
    assert result.exit_code == 1
    assert result.stderr == f"Error: {there}: exists already; --overwrite replaces it\n"
    assert there.read_text() == "mine"
    # What is not there yet is written all the same.
    assert (tmp_path / "session_0002.qwop.json").exists()
    assert qwop("import", rec_path, "--to", tmp_path, "--overwrite").exit_code == 0
    assert Tape.load(there).ticks == 6


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
