"""Key tapes: a run as the keys of every tick, with what it claims to achieve."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from qwop_wr.simulator import make_simulator, tape_format
from qwop_wr.simulator.base import Simulator
from qwop_wr.simulator.keys import N_MASKS
from qwop_wr.simulator.platforms import DEFAULT_PLATFORM
from qwop_wr.simulator.tape_format import MAX_BYTES, MAX_TICKS, Run, TapeError
from qwop_wr.whole_files import whole_path

SUFFIX: Final = ".qwop.json"
"""Ending of a tape's file name."""


def record_file(engine: str, platform: str) -> str:
    """Names the file of the fastest tape: ``record.qwop.json`` is the default platform's."""
    if engine != "exact":
        return f"record.{engine}{SUFFIX}"
    return f"record{SUFFIX}" if platform == DEFAULT_PLATFORM else f"record.{platform}{SUFFIX}"


@dataclass(frozen=True)
class TapeResult:
    """End of a run.

    Attributes:
        finished: Whether the runner has landed in the sand pit.
        ticks: Ticks played, the reset's own not counted.
        score_time: The game's clock [s]; the reset's own tick is on it.
        distance: The displayed distance [m].
        state_sha256: SHA-256 of the parts' final state as little-endian float64.
    """

    finished: bool
    ticks: int
    score_time: float
    distance: float
    state_sha256: str


@dataclass(frozen=True)
class Tape:
    """The keys of a run from a hard reset on, and the claims about it.

    Its form is checked whenever a tape is made; :func:`verify_tape` checks its claims.

    Attributes:
        keys: Runs of (mask, ticks): hold the mask's keys that long.
        ticks: Claimed ticks; also the sum of the runs.
        score_time: Claimed clock at the end [s].
        distance: Claimed displayed distance [m].
        finished: Claimed success.
        state_sha256: Claimed final state, see :class:`TapeResult`.
        engine: Engine on which the tape was recorded.
        engine_version: The engine's version then.
        platform: Browsers in which the run is as claimed, one of ``PLATFORMS``;
            None on an engine that has a sine of its own.
        soft_resets: Soft resets after the hard one, before the first tick: 0 on a fresh
            page; 1 at every second restart of a page, whatever was played before.
        meta: Anything else, as JSON.

    Raises:
        TapeError: If a field has a wrong type or value.
    """

    keys: tuple[Run, ...]
    ticks: int
    score_time: float
    distance: float
    finished: bool
    state_sha256: str
    engine: str
    engine_version: str
    platform: str | None
    soft_resets: int = 0
    meta: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        checked = tape_format.checked_fields(
            {name: getattr(self, name) for name in tape_format.FIELDS}
        )
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @classmethod
    def record(
        cls,
        keys_per_tick: NDArray[np.uint8],
        engine: str = "exact",
        meta: Mapping[str, Any] | None = None,
        platform: str | None = DEFAULT_PLATFORM,
        soft_resets: int = 0,
    ) -> "Tape":
        """Plays keys from a hard reset and returns the tape of that run.

        Args:
            keys_per_tick: Masks of the keys held in every tick, uint8, shape (T,);
                those after the game's end are left out.
            engine: Engine to play on.
            meta: Anything worth keeping with the tape, as JSON.
            platform: Platform to play on, if the engine knows platforms.
            soft_resets: Soft resets before the first tick, 0 or 1.

        Raises:
            TapeError: If the keys are not such an array or not of a length from 1
                to :data:`MAX_TICKS`.
            ValueError: If engine or platform is unknown.
        """
        masks = np.asarray(keys_per_tick)
        if masks.dtype != np.uint8 or masks.ndim != 1:
            raise TapeError(f"keys must be uint8 of shape (T,), got {masks.dtype} of {masks.shape}")
        if not 1 <= masks.size <= MAX_TICKS:
            raise TapeError(f"keys must last 1 to {MAX_TICKS} ticks, got {masks.size}")
        if masks.max() >= N_MASKS:
            raise TapeError(f"a key mask must be 0 to 15, got {masks.max()}")
        simulator = _begun(engine, platform, soft_resets)
        result = _play(simulator, _runs(masks))
        return cls(
            keys=_runs(masks[: result.ticks]),
            engine=engine,
            engine_version=simulator.version,
            platform=simulator.platform,
            soft_resets=soft_resets,
            meta=meta or {},
            **asdict(result),
        )

    @classmethod
    def from_json(cls, source: str | Mapping[str, Any]) -> "Tape":
        """Reads a tape, its claims still unproven, from JSON text or from what it decodes to.

        Raises:
            TapeError: If it is no tape of this format; names the field.
        """
        content = tape_format.decode(source) if isinstance(source, str) else source
        return cls(**tape_format.unwrapped(content))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Tape":
        """Reads a tape, its claims still unproven, from a file, usually ``*.qwop.json``.

        Raises:
            TapeError: If there is no such file or it is no tape; names file and field.
        """
        try:
            with Path(path).open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise TapeError(f"{path}: cannot be read: {error.strerror}") from error
        try:
            return cls.from_json(content.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise TapeError(f"{path}: not a tape: not UTF-8 text") from error
        except TapeError as error:
            raise TapeError(f"{path}: {error}") from error

    def to_json(self) -> str:
        """Returns the tape as JSON text, one line per field."""
        return tape_format.encode({name: getattr(self, name) for name in tape_format.FIELDS})

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the tape to a file, whole or not at all; one that exists is replaced.

        Raises:
            TapeError: If the file cannot be written; names it.
        """
        try:
            with whole_path(Path(path)) as partial:
                partial.write_text(self.to_json(), encoding="utf-8")
        except OSError as error:
            raise TapeError(f"{path}: cannot be written: {error.strerror}") from error

    @property
    def per_tick_keys(self) -> NDArray[np.uint8]:
        """Masks of the keys held in every tick, uint8, shape (ticks,)."""
        masks, lengths = zip(*self.keys, strict=True)
        return np.repeat(np.array(masks, dtype=np.uint8), lengths)

    def simulator(self, platform: str | None = None) -> Simulator:
        """Makes the game that the tape was recorded in, or the same on another platform.

        It stands at the tape's first tick.

        Raises:
            ValueError: If there is no such platform.
        """
        return _begun(self.engine, platform or self.platform, self.soft_resets)

    @property
    def claims(self) -> TapeResult:
        """The tape's claims about its run."""
        return TapeResult(
            self.finished, self.ticks, self.score_time, self.distance, self.state_sha256
        )

    @property
    def rank(self) -> tuple[bool, float]:
        """Key by which the best tape sorts first: finishes by ticks, then others by distance."""
        return (not self.finished, self.ticks if self.finished else -self.distance)


def replay_tape(tape: Tape, platform: str | None = None) -> TapeResult:
    """Plays a tape in a fresh game, on another platform if one is given, whatever it claims.

    Raises:
        ValueError: If there is no such platform.
    """
    return _play(tape.simulator(platform), tape.keys)


def verify_tape(tape: Tape, engine: str | None = None, platform: str | None = None) -> TapeResult:
    """Replays a tape in a fresh game and compares every claim, to the bit.

    Args:
        tape: The tape, whose engine and platform are used unless others are given.
        engine: Engine to replay on.
        platform: Platform to replay on.

    Returns:
        The result, equal to the claims.

    Raises:
        TapeError: If a claim is false; names the first, with both values. Also
            if the tape was recorded on another version of the engine.
        ValueError: If engine or platform is unknown.
    """
    simulator = _begun(
        engine or tape.engine, platform or tape.platform or DEFAULT_PLATFORM, tape.soft_resets
    )
    if simulator.engine == tape.engine and simulator.version != tape.engine_version:
        raise TapeError(
            f"engine_version: recorded on {tape.engine!r} version {tape.engine_version!r}, "
            f"but this is version {simulator.version!r}"
        )
    result = _play(simulator, tape.keys)
    claimed, replayed = asdict(tape.claims), asdict(result)
    for name, value in claimed.items():
        if value != replayed[name]:
            raise TapeError(
                f"false claim: {name} is {value!r} on the tape, but {replayed[name]!r} replayed"
            )
    return result


def _begun(engine: str, platform: str | None, soft_resets: int) -> Simulator:
    simulator = make_simulator(engine, platform=platform)
    for _ in range(soft_resets):
        simulator.reset(soft=True)
    return simulator


def _play(simulator: Simulator, runs: Iterable[Run]) -> TapeResult:
    for mask, ticks in runs:
        simulator.step(np.array([mask], dtype=np.uint8), ticks)
        if simulator.ended[0]:
            break
    state = np.ascontiguousarray(simulator.state[0], dtype="<f8")
    return TapeResult(
        finished=bool(simulator.landed[0]),
        ticks=int(simulator.ticks[0]),
        score_time=float(simulator.score_time[0]),
        distance=float(simulator.score[0]),
        state_sha256=hashlib.sha256(state.tobytes()).hexdigest(),
    )


def _runs(masks: NDArray[np.uint8]) -> tuple[Run, ...]:
    return tuple((mask, len(list(group))) for mask, group in groupby(masks.tolist()))


__all__ = ["SUFFIX", "Run", "Tape", "TapeError", "TapeResult", "replay_tape", "verify_tape"]
