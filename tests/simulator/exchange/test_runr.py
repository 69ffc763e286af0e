"""RUNR recordings, against a writer of a few lines."""

import binascii

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qwop_wr.simulator.exchange import runr
from qwop_wr.simulator.keys import O, P, Q, W
from qwop_wr.simulator.tape import TapeError

KEYS = [Q, W | P, O, 0, Q | O]


def written(
    keys: list[int], version: int = 1, ruleset: int = 1, n_ticks: int | None = None
) -> bytes:
    digits = "".join(
        f"{late:x}{early:x}" for early, late in zip(keys[::2], [*keys[1::2], 0], strict=False)
    )
    body = bytes.fromhex(digits)
    count = (len(keys) if n_ticks is None else n_ticks).to_bytes(4, "little")
    return (
        b"RUNR"
        + bytes([version, ruleset])
        + count
        + binascii.crc32(body).to_bytes(4, "little")
        + body
    )


def test_a_run_is_read() -> None:
    recording = runr.decode(written(KEYS))
    assert recording.keys.tolist() == KEYS
    assert recording.keys.dtype == np.uint8
    assert recording.ruleset == 1


@pytest.mark.parametrize("n_ticks", [1, 4, 5])
def test_a_written_run_is_the_same_bytes(n_ticks: int) -> None:
    keys = KEYS[:n_ticks]
    assert runr.encode(np.array(keys, dtype=np.uint8)) == written(keys)


@given(arrays(np.uint8, st.integers(1, 60), elements=st.integers(0, 15)), st.integers(0, 1))
def test_export_then_import_gives_equal_keys(keys: np.ndarray, ruleset: int) -> None:
    recording = runr.decode(runr.encode(keys, ruleset))
    assert recording.ruleset == ruleset
    np.testing.assert_array_equal(recording.keys, keys)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must begin with RUNR"),
        (b"PK\x03\x04" + bytes(40), "must begin with RUNR"),
        (b"RUNR\x01", "cut off: 5 bytes"),
        (written(KEYS, version=2), "version 2"),
        (
            written(KEYS, ruleset=2),
            r"a run of 110 m hurdles \(rule set 2\); only the classic 100 m",
        ),
        (written(KEYS, ruleset=3), r"the 30 m long jump \(rule set 3\); only the classic 100 m"),
        (written(KEYS, ruleset=4), r"rules that are not known \(rule set 4\)"),
        (written(KEYS, ruleset=255), "rule set 255"),
        (written(KEYS, n_ticks=0), "1 to 100000 ticks, got 0"),
        (written(KEYS, n_ticks=2**32 - 1), "got 4294967295"),
        (written(KEYS, n_ticks=100_000), "100000 ticks need 50000 bytes .* got 3"),
        (written(KEYS)[:-1], "5 ticks need 3 bytes .* got 2; it is cut off"),
        (written(KEYS) + b"\0", "got 4; it has something appended"),
        (written(KEYS)[:-1] + b"\x01", "damaged: CRC-32"),
    ],
)
def test_what_is_wrong_is_named(content: bytes, message: str) -> None:
    with pytest.raises(TapeError, match=message):
        runr.decode(content)
