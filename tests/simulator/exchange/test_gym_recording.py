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


def test_kept_runs_are_read_and_others_counted() -> None:
    written = "seed=42\n" + "".join(f"{a}\n" for a in [0, 16, "X", 0, 1, 9, "*", 15, "*"])
    recording = gym_recording.decode(written.encode(), ALL)
    assert (recording.seed, recording.n_discarded) == (42, 1)
    assert [episode.number for episode in recording.episodes] == [2, 3]
    assert recording.episodes[0].keys.tolist() == [0, Q, W | P]
    assert recording.episodes[1].keys.tolist() == [Q | W | O | P]
    assert recording.episodes[0].keys.dtype == np.uint8


def test_the_set_and_the_length_of_actions_are_the_readers() -> None:
    recording = gym_recording.decode(b"seed=1\r\n7\r\n6\r\n*\r\n", REDUCED, ticks_per_action=3)
    assert recording.episodes[0].keys.tolist() == [W | O] * 3 + [Q | P] * 3


@given(arrays(np.uint8, st.integers(1, 60), elements=st.integers(0, 15)), st.integers(0, 10**9))
def test_export_then_import_gives_equal_keys(keys: np.ndarray, seed: int) -> None:
    recording = gym_recording.decode(gym_recording.encode(keys, ALL, seed), ALL)
    assert recording.seed == seed
    np.testing.assert_array_equal(recording.episodes[0].keys, keys)


def test_an_exported_run_reads_like_one_of_qwop_gym() -> None:
    text = gym_recording.encode(np.array([0, Q, Q | O], dtype=np.uint8), ALL, seed=3)
    assert text == b"seed=3\n0\n1\n6\n*\n"


def test_keys_that_are_no_action_are_not_written() -> None:
    with pytest.raises(TapeError, match="mask 5"):
        gym_recording.encode(np.array([Q | O], dtype=np.uint8), REDUCED)


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
        (b"seed=1\n" + b"0\n" * (MAX_TICKS + 1), f"at most {MAX_TICKS} ticks"),
        (b"seed=1\n" + b"X\n" * 10_001, "at most 10000 runs"),
    ],
)
def test_what_is_wrong_is_named(content: bytes, message: str) -> None:
    with pytest.raises(TapeError, match=message):
        gym_recording.decode(content, ALL)
