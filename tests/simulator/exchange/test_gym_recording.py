"""qwop-gym recordings, as qwop-gym writes them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qwop_wr.envs.actions import ACTION_SETS
from qwop_wr.simulator.exchange import gym_recording
from qwop_wr.simulator.keys import O, P, Q, W
from qwop_wr.simulator.tape import TapeError
from qwop_wr.simulator.tape_format import MAX_TICKS

ALL = ACTION_SETS["full"].tolist()
REDUCED = ACTION_SETS["qwop_gym"].tolist()


def test_kept_runs_are_read_and_others_are_not() -> None:
    written = "seed=42\n" + "".join(f"{a}\n" for a in [0, 16, "X", 0, 1, 9, "*", 15, "*"])
    recording = gym_recording.decode(written.encode(), ALL)
    assert recording.seed == 42
    assert [episode.number for episode in recording.episodes] == [2, 3]
    # The reset's own tick comes first.
    assert recording.episodes[0].keys.tolist() == [0, 0, Q, W | P]
    assert recording.episodes[1].keys.tolist() == [0, Q | W | O | P]
    assert recording.left_out == ()
    assert recording.episodes[0].keys.dtype == np.uint8


def test_the_set_and_the_length_of_actions_are_the_readers() -> None:
    recording = gym_recording.decode(b"seed=1\r\n7\r\n6\r\n*\r\n", REDUCED, ticks_per_action=3)
    assert recording.episodes[0].keys.tolist() == [0] + [W | O] * 3 + [Q | P] * 3


@given(arrays(np.uint8, st.integers(1, 60), elements=st.integers(0, 15)), st.integers(0, 10**9))
def test_export_then_import_gives_equal_keys(keys: np.ndarray, seed: int) -> None:
    keys = np.append(np.uint8(0), keys)
    recording = gym_recording.decode(gym_recording.encode(keys, ALL, seed), ALL)
    assert recording.seed == seed
    np.testing.assert_array_equal(recording.episodes[0].keys, keys)


def test_an_exported_run_reads_like_one_of_qwop_gym() -> None:
    text = gym_recording.encode(np.array([0, 0, Q, Q | O], dtype=np.uint8), ALL, seed=3)
    assert text == b"seed=3\n0\n1\n6\n*\n"


def test_keys_that_are_no_action_are_not_written() -> None:
    with pytest.raises(TapeError, match="mask 5"):
        gym_recording.encode(np.array([0, Q | O], dtype=np.uint8), REDUCED)


@pytest.mark.parametrize("keys", [[Q], [Q, 0, W], [0], []])
def test_runs_that_qwop_gym_cannot_play_are_not_written(keys: list[int]) -> None:
    with pytest.raises(TapeError, match="makes a tick without keys before the first action"):
        gym_recording.encode(np.array(keys, dtype=np.uint8), ALL)


def test_every_second_run_of_a_page_begins_on_a_used_one() -> None:
    # play resets twice before the first run; a run that counts not keeps the count.
    content = b"seed=1\n" + b"".join(b"0\n%s\n" % end for end in (b"*", b"*", b"X", b"*", b"*"))
    recording = gym_recording.decode(content, ALL)
    assert [(one.number, one.soft_resets) for one in recording.episodes] == [
        (1, 1),
        (2, 0),
        (4, 0),
        (5, 1),
    ]


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (b"", []),
        (b"1\n", ["run 3: it is cut off: '*' or 'X' is missing after the last action"]),
        (b"1\n1", ["run 3: it is cut off: '*' or 'X' is missing after the last action"]),
        (b"1\n\xff\x00\n", ["run 3: line 8: must be an action from 0 to 15, '*' or 'X', got "]),
        (b"up\n1\n*\n", ["run 3: line 7: must be an action from 0 to 15, '*' or 'X', got 'up'; "]),
        (b"up\n1\n*\n2\n*", ["run 3: line 7: must be an action from 0 to 15, "]),
        (b"16\n*\n", ["run 3: line 8: the run that ends here has action 16, but only 0 to 15"]),
        (b"*\n", ["run 3: line 7: a run without actions"]),
        (b"0\n" * MAX_TICKS + b"*\n", ["run 3: line 100006: a run may last at most 100000"]),
    ],
)
def test_whole_runs_are_kept_and_others_named(end: bytes, told: list[str]) -> None:
    recording = gym_recording.decode(b"seed=1\n1\n*\n2\n3\n*\n" + end, ALL)
    assert [one.keys.tolist() for one in recording.episodes[:2]] == [[0, Q], [0, W, O]]
    assert len(recording.left_out) == len(told)
    for words, beginning in zip(recording.left_out, told, strict=True):
        assert words.startswith(beginning)
    assert len(recording.episodes) == (3 if end.endswith(b"2\n*") else 2)


def test_more_runs_than_are_read() -> None:
    recording = gym_recording.decode(b"seed=1\n" + b"0\n*\n" * 10_001, ALL)
    assert len(recording.episodes) == 10_000
    assert recording.left_out == ("line 20003: at most 10000 runs are read",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1: must be 'seed='"),
        (b"seed=-1\n0\n*\n", "line 1"),
        (b"seed=" + b"9" * 1000, "line 1"),
        (b"\x89PNG\r\n\x1a\n", "line 1"),
        (b"seed=1\n0\nup\n*\n", "line 3: must be an action from 0 to 15, .* got 'up'"),
        (b"seed=1\n17\n*\n", "line 2: .* got '17'"),
        (b"seed=1\n-1\n*\n", "line 2: .* got '-1'"),
        (b"seed=1\n\xff\n*\n", "line 2: must be an action"),
        (b"seed=1\n" + b"1" * 10**6, "line 2: must be an action"),
        (b"seed=1\n0\n\n*\n", "line 3: .* got ''"),
        (b"seed=1\n0\n16\n*\n", "line 4: .* has action 16"),
        (b"seed=1\n*\n", "line 2: a run without actions"),
        (b"seed=1\n0\n1\n", "cut off"),
        (b"seed=1\n0\nX\n", "no run in it was kept"),
        (b"seed=1\n", "no run in it was kept"),
        (b"seed=1\n" + b"0\n" * (MAX_TICKS + 1), f"at most {MAX_TICKS} ticks|cut off"),
        (b"seed=1\n" + b"X\n" * 10_001, "at most 10000 runs"),
    ],
)
def test_what_is_wrong_is_named(content: bytes, message: str) -> None:
    with pytest.raises(TapeError, match=message):
        gym_recording.decode(content, ALL)
