"""qwop-gym's ``.rec``: a line with the seed, then an action a line; ``*`` or ``X`` ends a run.

``*`` ends a run that was worth keeping; ``X`` one that is there only because the
recorder went on with the used world. The file does not say from which action set
and for how many ticks an action is, so the reader must be told. The layout is that of
qwop-gym 1.0's ``RecordWrapper``.

Every reset of qwop-gym is the game's own restart and one more tick without keys, which no
action stands for; here it is part of the keys.
"""

import io
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qwop_wr.simulator.tape_format import MAX_TICKS, TapeError

SUFFIX: Final = ".rec"

RESET_TICKS: Final = 1
"""Ticks without keys that qwop-gym's reset makes after the game's own."""

MAX_EPISODES: Final = 10_000
"""Most runs in one file."""

_HEADER: Final = re.compile(rb"seed=([0-9]{1,18})")
_ACTION: Final = re.compile(rb"[0-9]{1,3}")
_LONGEST_LINE: Final = 64


class Episode(NamedTuple):
    """A run that was kept.

    Attributes:
        number: Its place among all runs of the file, from 1.
        keys: Masks of the keys held in every tick, the one of qwop-gym's reset included,
            uint8, shape (T,).
    """

    number: int
    keys: NDArray[np.uint8]

    @property
    def soft_resets(self) -> int:
        """Soft resets before it, if the recorder was ``play`` and never loaded the page anew.

        Its first reset of a page equals a hard one, the second adds a soft one, the third
        equals a hard one, and so on; ``play`` resets twice before the first run.
        """
        return self.number % 2


class GymRecording(NamedTuple):
    """Contents of a file.

    Attributes:
        seed: Seed of the recording environment.
        episodes: The runs that end with ``*``.
        left_out: Runs left out because they are cut off or damaged, in words.
    """

    seed: int
    episodes: tuple[Episode, ...]
    left_out: tuple[str, ...] = ()


def decode(content: bytes, masks: Sequence[int], ticks_per_action: int = 1) -> GymRecording:
    """Reads the runs that were kept.

    The file grows while it is recorded: a run that is cut off or damaged is left out, the
    others are read.

    Args:
        masks: Key mask of each action, in the recorder's order.
        ticks_per_action: Ticks for which an action's keys were held.

    Raises:
        TapeError: If it is no such file, or no run in it can be used; names the line.
    """
    lines = io.BytesIO(content)
    header = _HEADER.fullmatch(lines.readline(_LONGEST_LINE).rstrip())
    if header is None:
        raise TapeError("line 1: must be 'seed=' and a number; this is no qwop-gym recording")
    episodes: list[Episode] = []
    left_out: list[str] = []
    n_episodes = 0
    run = _Run(masks, ticks_per_action)
    for number, line in enumerate(lines, start=2):
        word = line[:_LONGEST_LINE].rstrip()
        if word not in (b"*", b"X"):
            run.add(number, word)
            continue
        n_episodes += 1
        if n_episodes > MAX_EPISODES:
            left_out.append(f"line {number}: at most {MAX_EPISODES} runs are read")
            break
        try:
            keys = run.keys(number) if word == b"*" else None
        except TapeError as error:
            left_out.append(f"run {n_episodes}: {error}")
        else:
            if keys is not None:
                episodes.append(Episode(n_episodes, keys))
        run = _Run(masks, ticks_per_action)
    else:
        if run.has_begun:
            cut = "it is cut off: '*' or 'X' is missing after the last action"
            left_out.append(f"run {n_episodes + 1}: {run.fault or cut}")
    if not episodes:
        raise TapeError(left_out[0] if left_out else "no run in it was kept (none ends with '*')")
    return GymRecording(int(header[1]), tuple(episodes), tuple(left_out))


def encode(keys: NDArray[np.uint8], masks: Sequence[int], seed: int = 0) -> bytes:
    """Writes one run, an action a tick.

    Args:
        keys: Masks of the keys held in every tick, uint8, shape (T,). The first tick, which
            must be without keys, is that of qwop-gym's reset and not written.
        masks: Key mask of each action, in the reader's order.
        seed: Seed to write down; the game itself has nothing random.

    Raises:
        TapeError: If a mask of the run is no action, or qwop-gym cannot play the run.
    """
    if keys.size < 2 or keys[0] != 0:
        raise TapeError(
            "qwop-gym's reset makes a tick without keys before the first action, but this run "
            "holds keys in its first tick, or is over then; it would be another run there"
        )
    action_of = {mask: action for action, mask in enumerate(masks)}
    words = [f"seed={seed}"]
    for mask in keys[1:].tolist():
        if mask not in action_of:
            raise TapeError(f"key mask {mask} is no action of the set")
        words.append(str(action_of[mask]))
    return "\n".join([*words, "*", ""]).encode()


class _Run:
    """The actions of one run, and the first thing that is wrong with them."""

    def __init__(self, masks: Sequence[int], ticks_per_action: int) -> None:
        self._masks = masks
        self._ticks_per_action = ticks_per_action
        self._actions = bytearray()
        self.fault: str | None = None
        self.has_begun = False

    def add(self, number: int, word: bytes) -> None:
        self.has_begun = True
        if self.fault is not None:
            return
        try:
            self._actions.append(_action(number, word, len(self._masks)))
        except TapeError as error:
            self.fault = str(error)
        if (len(self._actions) * self._ticks_per_action) > MAX_TICKS - 1:
            self.fault = f"line {number}: a run may last at most {MAX_TICKS} ticks"

    def keys(self, number: int) -> NDArray[np.uint8]:
        if self.fault is not None:
            raise TapeError(self.fault)
        played = _keys(number, self._actions, self._masks, self._ticks_per_action)
        return np.concatenate([np.zeros(RESET_TICKS, dtype=np.uint8), played])


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
