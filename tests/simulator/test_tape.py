"""Tapes are read strictly, written whole and replayed to the bit."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qwop_wr.simulator import PLATFORMS, make_simulator
from qwop_wr.simulator.keys import O, P, Q, W
from qwop_wr.simulator.tape import (
    Tape,
    TapeError,
    TapeResult,
    record_file,
    replay_tape,
    verify_tape,
)
from qwop_wr.simulator.tape_format import MAX_BYTES, MAX_TICKS

KEYS = np.repeat(np.array([0, W | O, 0, Q | P], dtype=np.uint8), [3, 20, 1, 16])


@pytest.fixture(scope="module")
def tape() -> Tape:
    return Tape.record(KEYS, engine="box2d", meta={"agent": "none", "seeds": [1, 2]})


def content(tape: Tape, **changes: object) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(tape.to_json())
    return decoded | changes


def test_recording_claims_what_the_engine_says(tape: Tape) -> None:
    simulator = make_simulator("box2d")
    for mask in KEYS:
        simulator.step(np.array([mask], dtype=np.uint8))
    assert tape.keys == ((0, 3), (W | O, 20), (0, 1), (Q | P, 16))
    assert tape.ticks == 40
    assert tape.score_time == simulator.score_time[0]
    assert tape.distance == simulator.score[0]
    assert not tape.finished
    state = simulator.state[0].astype("<f8")
    assert tape.state_sha256 == hashlib.sha256(state.tobytes(order="C")).hexdigest()
    assert (tape.engine, tape.engine_version) == ("box2d", simulator.version)
    np.testing.assert_array_equal(tape.per_tick_keys, KEYS)
    assert tape.per_tick_keys.dtype == np.uint8


def test_keys_after_the_end_are_left_out() -> None:
    tape = Tape.record(np.full(500, O, dtype=np.uint8), engine="box2d")
    assert tape.ticks < 100
    assert tape.keys == ((O, tape.ticks),)
    assert verify_tape(tape).ticks == tape.ticks


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (np.zeros(0, dtype=np.uint8), "1 to 100000 ticks, got 0"),
        (np.zeros(MAX_TICKS + 1, dtype=np.uint8), "100001"),
        (np.zeros(3), "uint8"),
        (np.zeros((3, 1), dtype=np.uint8), r"\(3, 1\)"),
        (np.full(3, 16, dtype=np.uint8), "16"),
    ],
)
def test_bad_keys_are_not_recorded(keys: np.ndarray[Any, Any], message: str) -> None:
    with pytest.raises(TapeError, match=message):
        Tape.record(keys, engine="box2d")


def test_json_and_back(tape: Tape) -> None:
    assert Tape.from_json(tape.to_json()) == tape
    assert Tape.from_json(content(tape)) == tape
    assert content(tape)["format"] == "qwop-tape"
    assert content(tape)["format_version"] == 2
    assert content(tape)["keys"] == [[0, 3], [W | O, 20], [0, 1], [Q | P, 16]]


def test_file_and_back(tape: Tape, tmp_path: Path) -> None:
    path = tmp_path / "run.qwop.json"
    path.write_text("something older")
    tape.save(path)
    assert Tape.load(path) == tape
    assert Tape.load(str(path)) == tape
    assert [file.name for file in tmp_path.iterdir()] == ["run.qwop.json"]


def test_meta_is_the_tapes_own_copy(tape: Tape) -> None:
    meta: dict[str, object] = {"tags": ("a", "b")}
    copied = replace(tape, meta=meta)
    meta["tags"] = ()
    assert copied.meta == {"tags": ["a", "b"]}
    assert Tape.from_json(copied.to_json()) == copied


def test_the_best_tape_ranks_first(tape: Tape) -> None:
    near, far = replace(tape, distance=3.0), replace(tape, distance=50.0)
    slow = replace(tape, finished=True, distance=100.5)
    fast = replace(slow, keys=tape.keys[:-1], ticks=tape.ticks - tape.keys[-1][1], distance=100.0)
    assert sorted([near, slow, far, fast], key=lambda one: one.rank) == [fast, slow, far, near]


def test_true_claims_are_returned(tape: Tape) -> None:
    assert verify_tape(tape) == tape.claims
    assert verify_tape(tape, engine="box2d") == TapeResult(
        False, 40, tape.score_time, tape.distance, tape.state_sha256
    )


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("finished", True),
        ("score_time", 1.0),
        ("distance", 100.0),
        ("state_sha256", "0" * 64),
    ],
)
def test_false_claims_are_named_with_both_values(tape: Tape, claim: str, value: object) -> None:
    false = Tape.from_json(content(tape, **{claim: value}))
    with pytest.raises(TapeError, match=claim) as raised:
        verify_tape(false)
    assert repr(value) in str(raised.value)
    assert repr(getattr(tape, claim)) in str(raised.value)


def test_claimed_ticks_after_the_games_end_are_false() -> None:
    tape = Tape.record(np.full(500, O, dtype=np.uint8), engine="box2d")
    longer = replace(tape, keys=((O, tape.ticks + 3),), ticks=tape.ticks + 3)
    with pytest.raises(TapeError, match=f"ticks is {tape.ticks + 3} .* {tape.ticks} replayed"):
        verify_tape(longer)


def test_another_key_gives_another_state(tape: Tape) -> None:
    runs = ((P, 3), *tape.keys[1:])
    with pytest.raises(TapeError, match="false claim"):
        verify_tape(replace(tape, keys=runs))


def test_other_engine_versions_are_refused(tape: Tape) -> None:
    with pytest.raises(TapeError, match=r"engine_version.*'0'.*version '1'"):
        verify_tape(replace(tape, engine_version="0"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "other"}, "^format: must be 'qwop-tape', got 'other'"),
        ({"format_version": 3}, "^format_version: must be 1 to 2, got 3"),
        ({"format_version": True}, "^format_version"),
        ({"keys": []}, r"^keys: must be a list of \[mask, ticks\] pairs"),
        ({"keys": "abc"}, "^keys: must be a list"),
        ({"keys": {"0": 3}}, "^keys: must be a list"),
        ({"keys": [[0, 3], 5]}, r"^keys\[1\]: must be a \[mask, ticks\] pair, got 5"),
        ({"keys": [[0, 3, 1]]}, r"^keys\[0\]: must be a \[mask, ticks\] pair"),
        ({"keys": ["ab"]}, r"^keys\[0\]: must be a \[mask, ticks\] pair"),
        ({"keys": [[16, 3]]}, r"^keys\[0\] mask: must be an integer from 0 to 15, got 16"),
        ({"keys": [[-1, 3]]}, r"^keys\[0\] mask: .*got -1"),
        ({"keys": [[True, 3]]}, r"^keys\[0\] mask: .*got True"),
        ({"keys": [[1.0, 3]]}, r"^keys\[0\] mask: .*got 1.0"),
        ({"keys": [[0, 40], [0, 0]]}, r"^keys\[1\] ticks: .*from 1 to 100000, got 0"),
        ({"keys": [[0, 10**18]]}, r"^keys\[0\] ticks: .*got 1000000000000000000"),
        ({"keys": [[0, 99_999], [1, 2]]}, "^keys: may last at most 100000 ticks, last 100001"),
        ({"ticks": 41}, "^ticks: 41 are claimed, but the keys last 40"),
        ({"ticks": 0}, "^ticks: must be an integer"),
        ({"ticks": "40"}, "^ticks: must be an integer"),
        ({"score_time": "1"}, "^score_time: must be a number, got '1'"),
        ({"score_time": None}, "^score_time: must be a number, got None"),
        ({"distance": 10**400}, "^distance: must be a finite number"),
        ({"distance": float("inf")}, "^distance: must be a finite number"),
        ({"finished": 0}, "^finished: must be true or false, got 0"),
        ({"state_sha256": "ABC"}, "^state_sha256: must be 64 lower-case"),
        ({"state_sha256": 3}, "^state_sha256: must be 64 lower-case"),
        ({"engine": "bullet"}, "^engine: must be 'exact' or 'box2d', got 'bullet'"),
        ({"engine": ["exact"]}, "^engine: must be"),
        ({"platform": "safari"}, "^platform: must be one of 'chromium', .*got 'safari'"),
        ({"platform": "node"}, "^platform: a tape of engine 'exact' has one"),
        ({"engine": "exact"}, "^platform: a tape of engine 'exact' has one"),
        ({"engine_version": ""}, "^engine_version: must be text"),
        ({"engine_version": 1}, "^engine_version: must be text of 1 to 200 characters, got 1"),
        ({"meta": []}, "^meta: must be a JSON object"),
        ({"meta": {"x": float("nan")}}, "^meta: must be a JSON object"),
        ({"meta": {"x": object()}}, "^meta: must be a JSON object"),
        ({"meta": {"x": "y" * MAX_BYTES}}, "^meta: .*longer"),
        ({"comment": "hello"}, "^'comment': no such field"),
    ],
)
def test_bad_fields_are_named(tape: Tape, changes: dict[str, object], message: str) -> None:
    with pytest.raises(TapeError, match=message):
        Tape.from_json(content(tape, **changes))


@pytest.mark.parametrize("field", sorted({*Tape.__dataclass_fields__} - {"soft_resets"}))
def test_missing_fields_are_named(tape: Tape, field: str) -> None:
    cut = content(tape)
    del cut[field]
    with pytest.raises(TapeError, match=f"^{field}: is missing"):
        Tape.from_json(cut)


def test_a_tape_begins_on_a_fresh_page_if_it_does_not_say_otherwise(tape: Tape) -> None:
    cut = content(tape)
    del cut["soft_resets"]
    assert Tape.from_json(cut) == tape
    assert tape.soft_resets == 0
    for wrong in (-1, 2, True, "1", None):
        with pytest.raises(TapeError, match="^soft_resets: must be an integer from 0 to 1"):
            Tape.from_json(content(tape, soft_resets=wrong))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[1, 2]", r"a JSON object is needed, got \[1, 2\]"),
        ('{"format": NaN}', "NaN is no number in JSON"),
        ('{"format": "qwop-tape", "format": 1}', "'format': is there twice"),
        ("[" * 200_000, "not JSON"),
        ("9" * 10_000, "not JSON"),
        (" " * (MAX_BYTES + 1), f"longer than {MAX_BYTES} bytes"),
    ],
)
def test_what_is_no_tape_is_refused(text: str, message: str) -> None:
    with pytest.raises(TapeError, match=message):
        Tape.from_json(text)


def test_errors_name_the_file(tape: Tape, tmp_path: Path) -> None:
    broken = tmp_path / "broken.qwop.json"
    broken.write_text(json.dumps(content(tape, ticks=-1)))
    with pytest.raises(TapeError, match=r"broken\.qwop\.json: ticks: must be"):
        Tape.load(broken)
    broken.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TapeError, match=r"broken\.qwop\.json: not a tape: not UTF-8"):
        Tape.load(broken)
    with pytest.raises(TapeError, match=r"none\.qwop\.json: cannot be read: No such file"):
        Tape.load(tmp_path / "none.qwop.json")
    with pytest.raises(TapeError, match="cannot be read: Is a directory"):
        Tape.load(tmp_path)


def test_endless_files_are_not_read_whole() -> None:
    with pytest.raises(TapeError, match=r"/dev/zero: not a tape: longer than"):
        Tape.load("/dev/zero")


def test_unwritable_places_are_named_and_nothing_is_lost(tape: Tape, tmp_path: Path) -> None:
    with pytest.raises(TapeError, match=r"missing/run\.qwop\.json: cannot be written"):
        tape.save(tmp_path / "missing" / "run.qwop.json")
    occupied = tmp_path / "run.qwop.json"
    occupied.mkdir()
    with pytest.raises(TapeError, match=r"run\.qwop\.json: cannot be written"):
        tape.save(occupied)
    assert [file.name for file in tmp_path.iterdir()] == ["run.qwop.json"]


def test_exact_is_the_default_engine_and_chromium_the_default_platform() -> None:
    tape = Tape.record(KEYS)
    assert (tape.engine, tape.platform) == ("exact", "chromium")
    assert verify_tape(tape) == tape.claims


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_tape_holds_on_its_platform_alone(platform: str) -> None:
    tape = Tape.record(np.full(120, 9, np.uint8), platform=platform)
    assert Tape.from_json(tape.to_json()) == tape
    assert content(tape)["platform"] == platform
    assert verify_tape(tape) == tape.claims == replay_tape(tape)
    for other in set(PLATFORMS) - {platform}:
        assert replay_tape(tape, other).state_sha256 != tape.state_sha256
        with pytest.raises(TapeError, match="false claim: state_sha256"):
            verify_tape(tape, platform=other)
    with pytest.raises(ValueError, match="unknown platform 'safari'"):
        replay_tape(tape, "safari")


@pytest.mark.parametrize(("engine", "platform"), [("exact", "node"), ("box2d", None)])
def test_tapes_of_the_first_version_are_of_node(engine: str, platform: str | None) -> None:
    tape = Tape.record(KEYS, engine, platform="node")
    old = {**content(tape), "format_version": 1}
    del old["platform"]
    assert Tape.from_json(old) == tape
    assert Tape.from_json(old).platform == platform


def test_records_have_a_file_for_each_platform() -> None:
    assert record_file("exact", "chromium") == "record.qwop.json"
    assert record_file("exact", "firefox") == "record.firefox.qwop.json"
    assert record_file("box2d", "firefox") == "record.box2d.qwop.json"
