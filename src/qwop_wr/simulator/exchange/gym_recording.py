"""qwop-gym's ``.rec``: a line with the seed, then an action a line; ``*`` or ``X`` ends a run.

``*`` ends a run that was worth keeping; ``X`` one that is there only because the
recorder went on with the used world. The file does not say from which action set
and for how many ticks an action is, so the reader must be told. The layout is that of
qwop-gym 1.0's ``RecordWrapper``.
"""

import io
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qwop_wr.simulator.tape_format import MAX_TICKS, TapeError

SUFFIX: Final = ".rec"

MAX_EPISODES: Final = 10_000
"""Most runs in one file."""

_HEADER: Final = re.compile(rb"seed=([0-9]{1,18})")
_ACTION: Final = re.compile(rb"[0-9]{1,3}")
_LONGEST_LINE: Final = 64


class Episode(NamedTuple):
    """A run that was kept.

    Attributes:
        number: Its place among all runs of the file, from 1.
        keys: Masks of the keys held in every tick, uint8, shape (T,).
    """

    number: int
    keys: NDArray[np.uint8]


class GymRecording(NamedTuple):
    """What a file holds.

    Attributes:
        seed: Seed of the recording environment.
        episodes: The runs that end with ``*``.
        n_discarded: Number of runs that end with ``X``.
    """

    seed: int
    episodes: tuple[Episode, ...]
    n_discarded: int


def decode(content: bytes, masks: Sequence[int], ticks_per_action: int = 1) -> GymRecording:
    """Read the runs that were kept.

    Args:
        content: The file.
        masks: Key mask of each action, in the recorder's order.
        ticks_per_action: Ticks for which an action's keys were held.

    Returns:
        The recording.

    Raises:
        TapeError: If a line is not what it should be, or no run was kept; names the line.
    """
    lines = io.BytesIO(content)
    header = _HEADER.fullmatch(lines.readline(_LONGEST_LINE).rstrip())
    if header is None:
        raise TapeError("line 1: must be 'seed=' and a number; this is no qwop-gym recording")
    episodes: list[Episode] = []
    n_episodes = 0
    actions = bytearray()
    for number, line in enumerate(lines, start=2):
        word = line[:_LONGEST_LINE].rstrip()
        if word not in (b"*", b"X"):
            actions.append(_action(number, word, len(masks)))
            if len(actions) * ticks_per_action > MAX_TICKS:
                raise TapeError(f"line {number}: a run may last at most {MAX_TICKS} ticks")
            continue
        n_episodes += 1
        if n_episodes > MAX_EPISODES:
            raise TapeError(f"line {number}: at most {MAX_EPISODES} runs are read")
        if word == b"*":
            keys = _keys(number, actions, masks, ticks_per_action)
            episodes.append(Episode(n_episodes, keys))
        actions.clear()
    if actions:
        raise TapeError("it is cut off: '*' or 'X' is missing after the last action")
    if not episodes:
        raise TapeError("no run in it was kept (none ends with '*')")
    return GymRecording(int(header[1]), tuple(episodes), n_episodes - len(episodes))


def encode(keys: NDArray[np.uint8], masks: Sequence[int], seed: int = 0) -> bytes:
    """Write one run, an action a tick.

    Args:
        keys: Masks of the keys held in every tick, uint8, shape (T,).
        masks: Key mask of each action, in the reader's order.
        seed: Seed to write down; the game itself has nothing random.

    Returns:
        The file.

    Raises:
        TapeError: If a mask of the run is no action.
    """
    action_of = {mask: action for action, mask in enumerate(masks)}
    words = [f"seed={seed}"]
    for mask in keys.tolist():
        if mask not in action_of:
            raise TapeError(f"key mask {mask} is no action of the set")
        words.append(str(action_of[mask]))
    return "\n".join([*words, "*", ""]).encode()


def _action(number: int, word: bytes, n_actions: int) -> int:
    # One more than the set has is qwop-gym's T key, with which a player gives a run up.
    if not _ACTION.fullmatch(word) or int(word) > n_actions:
        shown = word.decode(errors="replace")
        raise TapeError(
            f"line {number}: must be an action from 0 to {n_actions - 1}, '*' or 'X', "
            f"got {shown!r}; was it recorded with another set of actions?"
        )
    return int(word)


def _keys(
    number: int, actions: bytearray, masks: Sequence[int], ticks_per_action: int
) -> NDArray[np.uint8]:
    chosen = np.frombuffer(bytes(actions), dtype=np.uint8)
    if chosen.size == 0:
        raise TapeError(f"line {number}: a run without actions")
    if chosen.max() >= len(masks):
        raise TapeError(
            f"line {number}: the run that ends here has action {len(masks)}, but only 0 to "
            f"{len(masks) - 1} hold keys; was it recorded with another set of actions?"
        )
    return np.repeat(np.array(masks, dtype=np.uint8)[chosen], ticks_per_action)


__all__ = ["MAX_EPISODES", "SUFFIX", "Episode", "GymRecording", "decode", "encode"]
