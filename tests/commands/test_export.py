"""qwop export."""

import binascii
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from qwop_wr.agents.agent import Agent
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.protocols import evaluate_without_noise
from qwop_wr.simulator.keys import O
from qwop_wr.simulator.tape import Tape
from tests.commands.qwop import qwop


def test_a_recording_for_qwop_gym(tmp_path: Path) -> None:
    keys = np.append(np.uint8(0), np.full(200, O, dtype=np.uint8))
    tape_path = tmp_path / "fall.qwop.json"
    Tape.record(keys, engine="box2d", meta={"seed": 7}).save(tape_path)
    target = tmp_path / "fall.rec"
    result = qwop("export", tape_path, target)
    assert result.exit_code == 0, result.output
    lines = target.read_text().splitlines()
    assert (lines[0], lines[-1]) == ("seed=7", "*")
    # The reset's own tick is qwop-gym's to make.
    assert lines[1:-1] == ["3"] * (Tape.load(tape_path).ticks - 1)
    assert result.stdout == f"{target}: {target.stat().st_size} bytes\n"


def test_a_run_that_qwop_gym_cannot_play(tape_path: Path, tmp_path: Path) -> None:
    result = qwop("export", tape_path, tmp_path / "fall.rec")
    assert result.exit_code == 1
    assert "qwop-gym's reset makes a tick without keys" in result.stderr
    assert not (tmp_path / "fall.rec").exists()


def test_a_run_that_begins_on_a_used_page(tmp_path: Path) -> None:
    tape = Tape.record(np.array([0, *[O] * 200], dtype=np.uint8), "box2d", soft_resets=1)
    tape.save(tmp_path / "used.qwop.json")
    assert qwop("verify", tmp_path / "used.qwop.json").exit_code == 0
    again = tmp_path / "again.qwop.json"
    assert qwop("export", tmp_path / "used.qwop.json", again).exit_code == 0
    assert Tape.load(again) == tape
    result = qwop("export", tmp_path / "used.qwop.json", tmp_path / "used.bin")
    assert "begins on a used page" in result.stderr


def test_a_recording_for_runr(tape_path: Path, tmp_path: Path) -> None:
    target = tmp_path / "fall.bin"
    assert qwop("export", tape_path, target).exit_code == 0
    content, ticks = target.read_bytes(), Tape.load(tape_path).ticks
    assert content[:6] == b"RUNR\x01\x01"
    assert int.from_bytes(content[6:10], "little") == ticks
    assert int.from_bytes(content[10:14], "little") == binascii.crc32(content[14:])
    assert content[14 : 14 + ticks // 2] == bytes([O | O << 4]) * (ticks // 2)


@pytest.mark.parametrize("suffix", [".rec", ".bin", ".REC", ".Bin"])
def test_export_then_import_gives_equal_keys(tmp_path: Path, suffix: str) -> None:
    keys = np.append(0, np.random.default_rng(3).integers(0, 16, 150)).astype(np.uint8)
    tape = Tape.record(keys)
    tape.save(tmp_path / "run.qwop.json")
    assert qwop("export", tmp_path / "run.qwop.json", tmp_path / f"run{suffix}").exit_code == 0
    target = ("--platform", "chromium", "--to", tmp_path / "back")
    fresh = ("--fresh-pages",)
    assert qwop("import", tmp_path / f"run{suffix}", *fresh, *target).exit_code == 0
    back = Tape.load(tmp_path / "back" / "run.qwop.json")
    assert back.keys == tape.keys
    assert back.claims == tape.claims


def test_a_film_lasts_as_long_as_asked_for(tape_path: Path, tmp_path: Path) -> None:
    target = tmp_path / "fall.mp4"
    options = ("--start", 0.5, "--end", 1, "--width", 320)
    assert qwop("export", tape_path, target, *options).exit_code == 0
    with av.open(str(target)) as film:
        stream = film.streams.video[0]
        assert (stream.width, stream.height) == (320, 180)
        assert len(list(film.decode(stream))) == 16


def test_a_race_is_filmed_in_lanes(tape_path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.qwop.json"
    Tape.record(np.zeros(90, dtype=np.uint8), engine="box2d").save(other)
    alone, race = tmp_path / "alone.gif", tmp_path / "race.gif"
    assert qwop("export", tape_path, alone, "--end", 0.2).exit_code == 0
    assert qwop("export", tape_path, other, race, "--end", 0.2).exit_code == 0
    with Image.open(alone) as one, Image.open(race) as two:
        assert one.size == two.size == (480, 270)
        assert (np.asarray(one.convert("RGB")) != np.asarray(two.convert("RGB"))).mean() > 0.2


def test_an_agents_native_run_becomes_the_tape_of_its_evaluation(
    agent: Agent, agent_path: Path, tmp_path: Path
) -> None:
    target = tmp_path / "native.qwop.json"
    assert qwop("export", agent_path, target).exit_code == 0
    game = EnvironmentOptions(engine="box2d")
    assert (
        Tape.load(target)
        == evaluate_without_noise(agent, game, EvaluationOptions()).tapes["native"]
    )


def test_an_agent_whose_ending_is_in_capitals_becomes_a_user_script(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[2] / "data/01_raw/expert.safetensors"
    source, target = tmp_path / "Expert.SafeTensors", tmp_path / "Expert.USER.JS"
    source.write_bytes(shipped.read_bytes())
    assert qwop("export", source, target).exit_code == 0
    assert target.read_bytes().startswith(b"// ==UserScript==")


def test_a_false_tape_is_not_exported(tape_path: Path, tmp_path: Path) -> None:
    replace(Tape.load(tape_path), distance=99.0).save(tape_path)
    result = qwop("export", tape_path, tmp_path / "false.mp4")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {tape_path}: false claim: distance is 99.0")
    assert [path.name for path in tmp_path.iterdir()] == [tape_path.name]


@pytest.mark.parametrize(
    ("count", "target", "options", "message"),
    [
        (1, "run.avi", (), "must end in .mp4, .gif, .qwop.json, .rec, .bin"),
        (1, "run", (), "must end in"),
        (2, "run.rec", (), "has room for 1, but there are 2 runs"),
        (6, "run.gif", (), "has room for 5, but there are 6 runs"),
        (1, "run.gif", ("--start", 9), "--start 9: must be before --end"),
        (1, "run.gif", ("--start", 1, "--end", 0.5), "--start 1: must be before"),
        (1, "no/such/run.gif", (), "cannot be written: No such file"),
        (1, "no/such/run.mp4", (), "cannot be written: No such file"),
        (1, "no/such/run.bin", (), "cannot be written: No such file"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    tape_path: Path,
    tmp_path: Path,
    count: int,
    target: str,
    options: tuple[object, ...],
    message: str,
) -> None:
    result = qwop("export", *[tape_path] * count, tmp_path / target, *options)
    assert result.exit_code == 1
    assert message in result.stderr
    assert len([line for line in result.stderr.splitlines() if "Error" in line]) == 1
