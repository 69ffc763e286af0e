"""The browser of a foreign recording, as far as its end tells."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qwop_wr.simulator.tape import Tape


class Origin(NamedTuple):
    """A recording as a tape, and the evidence for it.

    Attributes:
        tape: The run where its recorded end comes true, or else on the first candidate.
        is_true: Whether the run ends where the recording does.
        alike: Platforms on which it ends there with the same last state.
        others: Further platforms on which it ends there, but in another state.
    """

    tape: Tape
    is_true: bool
    alike: tuple[str, ...]
    others: tuple[str, ...]


def find_origin(
    keys: NDArray[np.uint8],
    last_ticks: int,
    engine: str,
    platforms: Sequence[str | None],
    soft_resets: Iterable[int],
    meta: Mapping[str, Any],
) -> Origin:
    """Plays a recording on several platforms and looks for its end.

    A recorder stops with the action in which the game ends. One bit of another sine leads
    to another run, which would go on then or would have ended before.

    Args:
        keys: Masks of the keys held in every tick, uint8, shape (T,).
        last_ticks: Ticks of the last action.
        platforms: Platforms to try, the likeliest first; None for an engine without.
        soft_resets: Soft resets to try before the first tick, the likeliest first.
        meta: Origin to note on the tape.
    """
    first = None
    for number in soft_resets:
        tapes = [Tape.record(keys, engine, meta, platform, number) for platform in platforms]
        first = first or tapes[0]
        true = [tape for tape in tapes if _ends_in_time(tape, keys.size, last_ticks)]
        if true:
            kept = true[0]
            alike = [one for one in true if one.state_sha256 == kept.state_sha256]
            others = [one for one in true if one.state_sha256 != kept.state_sha256]
            return Origin(kept, True, _names(alike), _names(others))
    assert first is not None  # noqa: S101 - there are candidates
    return Origin(first, False, (), ())


def _ends_in_time(tape: Tape, n_ticks: int, last_ticks: int) -> bool:
    if tape.ticks <= n_ticks - last_ticks:
        return False
    game = tape.simulator()
    for mask, ticks in tape.keys:
        game.step(np.array([mask], dtype=np.uint8), ticks)
    return bool(game.ended[0])


def _names(tapes: Iterable[Tape]) -> tuple[str, ...]:
    return tuple(tape.platform for tape in tapes if tape.platform is not None)
