"""RUNR's ``.bin``: a header of 14 bytes, then the key masks of two ticks in every byte.

| offset | bytes | meaning                                                    |
| ------ | ----- | ---------------------------------------------------------- |
| 0      | 4     | ``RUNR``                                                   |
| 4      | 1     | version, 1                                                 |
| 5      | 1     | rule set: 1 classic 100 m, 2 110 m hurdles, 3 30 m long jump |
| 6      | 4     | number of ticks, little-endian                             |
| 10     | 4     | CRC-32 of the masks' bytes as they are, little-endian      |
| 14     | (n+1)/2 | masks; a byte's low four bits are the earlier tick       |

A mask is Q = 1, W = 2, O = 4, P = 8. After an odd number of ticks the last four bits
mean nothing and are written as 0.
"""

import struct
import zlib
from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qwop_wr.simulator.tape_format import MAX_TICKS, TapeError

SUFFIX: Final = ".bin"
MAGIC: Final = b"RUNR"
VERSION: Final = 1

RULESETS: Final[Mapping[int, str]] = {
    1: "the classic 100 m",
    2: "110 m hurdles",
    3: "the 30 m long jump",
}
"""Rule sets that RUNR's public reader knows."""
CLASSIC: Final = 1
"""The rule set that is played here."""
UNTOLD: Final = 0
"""Written by this project before it knew the numbers; meant the classic 100 m."""

_HEADER: Final = struct.Struct("<4sBBII")
_MASK: Final = 0x0F


class RunrRecording(NamedTuple):
    """Contents of a file.

    Attributes:
        ruleset: :data:`CLASSIC` or :data:`UNTOLD`.
        keys: Masks of the keys held in every tick, uint8, shape (T,).
    """

    ruleset: int
    keys: NDArray[np.uint8]


def decode(content: bytes) -> RunrRecording:
    """Reads a run.

    Raises:
        TapeError: If it is cut off, damaged, of other rules or something else.
    """
    if not content.startswith(MAGIC):
        raise TapeError(f"must begin with {MAGIC.decode()}; this is no RUNR recording")
    if len(content) < _HEADER.size:
        raise TapeError(f"it is cut off: {len(content)} bytes, its header alone has {_HEADER.size}")
    _, version, ruleset, n_ticks, checksum = _HEADER.unpack_from(content)
    if version != VERSION:
        raise TapeError(f"version {version} of the format is not known, only {VERSION}")
    if ruleset not in (CLASSIC, UNTOLD):
        rules = RULESETS.get(ruleset, "rules that are not known")
        raise TapeError(
            f"it is a run of {rules} (rule set {ruleset}); only {RULESETS[CLASSIC]} "
            f"(rule set {CLASSIC}) is played here"
        )
    if not 1 <= n_ticks <= MAX_TICKS:
        raise TapeError(f"a run must last 1 to {MAX_TICKS} ticks, got {n_ticks}")
    packed = content[_HEADER.size :]
    if len(packed) != (n_ticks + 1) // 2:
        fault = (
            "it is cut off, and its checksum is of all ticks"
            if len(packed) < (n_ticks + 1) // 2
            else "it has something appended"
        )
        raise TapeError(
            f"{n_ticks} ticks need {(n_ticks + 1) // 2} bytes after the header, "
            f"got {len(packed)}; {fault}"
        )
    if zlib.crc32(packed) != checksum:
        raise TapeError(
            f"it is damaged: CRC-32 is {checksum:08x} in the header, "
            f"but {zlib.crc32(packed):08x} of its keys"
        )
    pairs = np.frombuffer(packed, dtype=np.uint8)
    keys = np.stack([pairs & _MASK, pairs >> 4], axis=1)  # (bytes, 2)
    return RunrRecording(ruleset, keys.reshape(-1)[:n_ticks].copy())


def encode(keys: NDArray[np.uint8], ruleset: int = CLASSIC) -> bytes:
    """Writes a run, from the masks of the keys held in every tick, uint8, shape (T,)."""
    padded = np.pad(keys, (0, keys.size % 2)).reshape(-1, 2)  # (bytes, 2)
    packed = (padded[:, 0] | padded[:, 1] << 4).astype(np.uint8).tobytes()
    return _HEADER.pack(MAGIC, VERSION, ruleset, keys.size, zlib.crc32(packed)) + packed
