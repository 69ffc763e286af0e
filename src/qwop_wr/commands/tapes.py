"""Tapes of the command line: read, verified and described in one line."""

from pathlib import Path

from qwop_wr.errors import BadInputError
from qwop_wr.simulator.platforms import BROWSERS
from qwop_wr.simulator.tape import Tape, TapeError, TapeResult, verify_tape


def true_tape(path: Path) -> Tape:
    """Read a tape and verify its claims.

    Raises:
        BadInputError: If it cannot be read or a claim is false; names the file.
    """
    try:
        tape = Tape.load(path)
    except TapeError as error:
        raise BadInputError(str(error)) from error
    try:
        verify_tape(tape)
    except TapeError as error:
        raise BadInputError(f"{path}: {error}") from error
    return tape


def in_words(result: TapeResult) -> str:
    """Describe how a run ended."""
    end = "finished" if result.finished else "not finished"
    return f"{end}, {result.ticks} ticks, {result.score_time:.3f} s, {result.distance:.1f} m"


def in_browsers(platform: str) -> str:
    """Name a platform and its browsers."""
    return f"platform {platform}: {BROWSERS[platform]}"
