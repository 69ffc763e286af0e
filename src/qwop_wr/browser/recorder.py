"""A page's messages to `qwop browser`, run by run, and the files kept of them."""

import hashlib
import io
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import numpy as np

from qwop_wr.browser.script import UNKNOWN_PLATFORM
from qwop_wr.browser.verdict import (
    VALUES,
    Comparison,
    PageRun,
    Rows,
    compare,
    in_words,
    proof,
    replayed,
)
from qwop_wr.simulator.keys import N_MASKS
from qwop_wr.simulator.platforms import PLATFORMS
from qwop_wr.simulator.tape import SUFFIX, Tape, TapeError
from qwop_wr.simulator.tape_format import MAX_TEXT_LENGTH, MAX_TICKS
from qwop_wr.whole_files import whole_path

PROOF_SUFFIX: Final = ".proof.json"
RECORDING_SUFFIX: Final = ".recording.npz"
"""Ending of a run that no engine can repeat, kept as it was seen."""

_ROW: Final = 1 + len(VALUES)
"""Numbers that a tick is sent as: the mask, then the game's row."""
_MAX_USER_AGENT: Final = 1000


class Verdict(NamedTuple):
    """The verdict that the page shows and the terminal prints.

    Attributes:
        words: One line.
        good: Whether the run is as it should be.
    """

    words: str
    good: bool


class Keeper(Protocol):
    """Decides what is kept of a run."""

    def __call__(self, run: PageRun, comparison: Comparison | None) -> Verdict:
        """Judges a run, without a comparison if there can be none, and writes files.

        Raises:
            OSError: If a file cannot be written.
            TapeError: Likewise.
        """
        ...


@dataclass
class _Begun:
    """A run under way."""

    sine: str
    checksum: str
    user_agent: str
    chunks: list[Rows] = field(default_factory=list)

    @property
    def n_rows(self) -> int:
        return sum(len(chunk) for chunk in self.chunks)


class PageRecorder:
    """The one page that plays, and its runs.

    The server's threads call its methods; a message that is not as it should be raises
    ``ValueError`` and changes nothing.

    Args:
        keep: Decides what is kept of a run.
        echo: Shows a line to the person at the terminal.
        shim: Platform whose sine is put into the page; None if none is.

    Attributes:
        verdicts: Of all runs that came to their end.
        refusals: Reasons why a page did not play.
        closed: Set while no page is open, once there was one.
    """

    def __init__(self, keep: Keeper, echo: Callable[[str], None], shim: str | None = None) -> None:
        self.verdicts: list[Verdict] = []
        self.refusals: list[str] = []
        self.closed = threading.Event()
        self._keep = keep
        self._echo = echo
        self._shim = shim
        self._run: _Begun | None = None
        self._has_page = False
        self._lock = threading.RLock()

    @property
    def has_page(self) -> bool:
        """Whether a page is open."""
        return self._has_page

    def open_page(self) -> bool:
        """Lets a page play, and returns True, unless another one does."""
        with self._lock:
            if self._has_page:
                return False
            self._has_page = True
            self.closed.clear()
            return True

    def close_page(self) -> None:
        """Closes the page; of a run under way the ticks received are judged."""
        with self._lock:
            run, self._run = self._run, None
            self._has_page = False
            if run is not None and run.n_rows:
                self._echo(f"the page was closed at tick {run.n_rows - 1}")
                self._judge(self._finished(run, "closed", ""))
            self.closed.set()

    def begin(self, message: Mapping[str, Any]) -> None:
        """Begins a run, from the page's ``platform``, ``checksum`` and ``userAgent``."""
        sine, checksum, agent = (message.get(k) for k in ("platform", "checksum", "userAgent"))
        if sine not in (*PLATFORMS, UNKNOWN_PLATFORM):
            raise ValueError("platform: is none")
        if not isinstance(checksum, str) or not isinstance(agent, str) or len(checksum) > 16:
            raise ValueError("checksum and userAgent: must be text")
        with self._lock:
            self._run = _Begun(sine, checksum, agent[:_MAX_USER_AGENT])
        platform = self._shim or sine
        if platform in PLATFORMS:
            # The engine is compiled while the page plays.
            idle = np.zeros(1, dtype=np.uint8)
            threading.Thread(target=replayed, args=(idle, platform), daemon=True).start()

    def add_ticks(self, content: bytes) -> None:
        """Adds ticks to the run: float64 of a mask and a row each, the first the reset's."""
        if not content or len(content) % (8 * _ROW):
            raise ValueError("ticks: not whole rows")
        rows = np.frombuffer(content, dtype="<f8").reshape(-1, _ROW).astype(np.float64)
        masks = rows[:, 0]
        if not np.isfinite(rows).all() or not np.isin(masks, np.arange(N_MASKS)).all():
            raise ValueError("ticks: not a game's numbers")
        with self._lock:
            if self._run is None:
                raise ValueError("ticks: no run has begun")
            if self._run.n_rows + len(rows) > MAX_TICKS + 1:
                raise ValueError(f"ticks: more than {MAX_TICKS}")
            self._run.chunks.append(rows)

    def end(self, message: Mapping[str, Any]) -> Verdict:
        """Ends the run, with the page's ``reason`` and ``text``, and judges it."""
        reason, text = message.get("reason"), message.get("text")
        if not isinstance(reason, str) or not isinstance(text, str):
            raise ValueError("reason and text: must be text")
        with self._lock:
            run, self._run = self._run, None
        if run is None or not run.n_rows:
            raise ValueError("end: no run has begun")
        return self._judge(self._finished(run, reason[:MAX_TEXT_LENGTH], text[:MAX_TEXT_LENGTH]))

    def note(self, message: Mapping[str, Any]) -> None:
        """Shows the page's ``message``, and remembers it if it ``refused`` to play."""
        text = " ".join(str(message.get("message")).split())[:500]
        words = "".join(character for character in text if character.isprintable())
        if message.get("refused"):
            self.refusals.append(words)
        self._echo(words)

    def _finished(self, run: _Begun, reason: str, text: str) -> PageRun:
        table = np.concatenate(run.chunks)
        return PageRun(
            sine=run.sine,
            checksum=run.checksum,
            shim=self._shim,
            user_agent=run.user_agent,
            keys=table[1:, 0].astype(np.uint8),
            rows=table[:, 1:],
            reason=reason,
            text=text,
        )

    def _judge(self, run: PageRun) -> Verdict:
        try:
            verdict = self._keep(run, compare(run))
        except (OSError, TapeError) as error:
            verdict = Verdict(f"{run.end}, but nothing could be kept: {error}", False)
        self._echo(verdict.words)
        self.verdicts.append(verdict)
        return verdict


class Proofs:
    """Keeps a proof of every tape that comes to its end.

    Args:
        tapes: The tapes by platform, with their paths.
        served: SHA-256 of the game's files as they are served, by path.
    """

    def __init__(
        self,
        tapes: Mapping[str, tuple[Path, Tape]],
        served: Mapping[str, str],
        echo: Callable[[str], None],
    ) -> None:
        self._tapes = tapes
        self._served = served
        self._echo = echo

    def __call__(self, run: PageRun, comparison: Comparison | None) -> Verdict:
        """Judges a run and writes its proof beside the tape."""
        words = in_words(run, comparison)
        platform = run.platform
        if platform is None or platform not in self._tapes:
            return Verdict(f"{words}; there is no tape of this platform", False)
        path, tape = self._tapes[platform]
        is_whole = run.ticks == tape.ticks and (run.keys == tape.per_tick_keys).all()
        if not is_whole:
            return Verdict(f"{words}; the tape's {tape.ticks} ticks were not all played", False)
        kind = ".altered" if run.shim else ""
        target = path.with_name(path.name.removesuffix(SUFFIX) + kind + PROOF_SUFFIX)
        played = {"kind": "tape", "file": path.name, "sha256": _sha256(path)}
        _write_json(target, proof(run, comparison, played, self._served))
        self._echo(f"{target}: proof")
        return Verdict(words, comparison is not None and comparison.differing == 0)


class Runs:
    """Keeps every run as a tape on the browser's platform, if the engine repeats it.

    A run that it does not repeat is kept as a recording: keys, rows and their origin.

    Args:
        stem: Path of the files, to which numbers and endings are added.
        meta: Origin, for the tapes.
        prove: Name, kind and hash of the player, for a proof beside every run; None for no proofs.
        served: SHA-256 of the game's files as they are served, by path.
    """

    def __init__(
        self,
        stem: Path,
        meta: Mapping[str, Any],
        echo: Callable[[str], None],
        prove: Mapping[str, Any] | None,
        served: Mapping[str, str],
    ) -> None:
        self._stem = stem
        self._meta = meta
        self._echo = echo
        self._prove = prove
        self._served = served

    def __call__(self, run: PageRun, comparison: Comparison | None) -> Verdict:
        """Judges a run and writes it down, unless no key was ever pressed."""
        words = in_words(run, comparison)
        is_exact = comparison is not None and comparison.differing == 0
        is_false = comparison is not None and comparison.differing > 0
        if not run.keys.any():
            return Verdict(f"{words}; not kept, since no key was pressed", not is_false)
        stem = self._free_stem()
        meta = {**self._meta, "browser": run.browser, "user_agent": run.user_agent}
        if run.shim:
            meta["altered"] = f"the sine of {run.shim} was put into the page"
        if is_exact:
            assert run.platform is not None  # noqa: S101 - else there is no comparison
            path = stem.with_name(stem.name + SUFFIX)
            Tape.record(run.keys, platform=run.platform, meta=meta).save(path)
        else:
            path = stem.with_name(stem.name + RECORDING_SUFFIX)
            _write_recording(path, run, {**meta, "verdict": words})
        self._echo(f"{path}: {'tape' if is_exact else 'recording, which no engine repeats'}")
        if self._prove is not None:
            target = stem.with_name(stem.name + PROOF_SUFFIX)
            _write_json(target, proof(run, comparison, self._prove, self._served))
            self._echo(f"{target}: proof")
        return Verdict(words, not is_false and (run.has_landed or self._prove is None))

    def _free_stem(self) -> Path:
        number = 1
        while True:
            stem = self._stem.with_name(f"{self._stem.name}_{number:04d}")
            suffixes = (SUFFIX, RECORDING_SUFFIX, PROOF_SUFFIX)
            if not any(stem.with_name(stem.name + suffix).exists() for suffix in suffixes):
                return stem
            number += 1


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    text = json.dumps(content, indent=2, allow_nan=False) + "\n"
    with whole_path(path) as partial:
        partial.write_text(text, encoding="utf-8")


def _write_recording(path: Path, run: PageRun, meta: Mapping[str, Any]) -> None:
    buffer = io.BytesIO()
    facts = {"platform": run.sine, "sine_checksum": run.checksum, **meta}
    np.savez_compressed(
        buffer, keys=run.keys, rows=run.rows, values=np.array(VALUES), meta=json.dumps(facts)
    )
    with whole_path(path) as partial:
        partial.write_bytes(buffer.getvalue())


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
