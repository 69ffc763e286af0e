"""The JSON form of a tape: what each field must be, and how it is read and written."""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from reprlib import repr as short
from typing import Any, Final, NoReturn

from qwop_wr.simulator import ENGINES
from qwop_wr.simulator.keys import N_MASKS
from qwop_wr.simulator.platforms import PLATFORMS

FORMAT: Final = "qwop-tape"
FORMAT_VERSION: Final = 2
"""Version 2 added ``platform`` and ``soft_resets``; tapes of version 1 are read, too."""

MAX_BYTES: Final = 4 * 1024 * 1024
"""Largest tape that is read [bytes]."""

MAX_META_BYTES: Final = 1024 * 1024
"""Largest ``meta`` [bytes]; with the longest keys the tape is still read."""

MAX_TEXT_LENGTH: Final = 200
"""Longest text of a field other than ``meta``; messages quote it."""

MAX_TICKS: Final = 100_000
"""Longest tape [ticks], nearly an hour of play."""

MAX_SOFT_RESETS: Final = 1
"""Most soft resets before the first tick. What was played before them leaves no trace."""

Run = tuple[int, int]
"""A mask and the number of ticks for which its keys are held."""


class TapeError(ValueError):
    """A tape that cannot be read, or that claims what is not true."""


def decode(text: str) -> Mapping[str, Any]:
    """Parses a tape's JSON text strictly, without checking the object: no NaN, no repeated names.

    Raises:
        TapeError: If the text is longer than :data:`MAX_BYTES` or not a JSON object.
    """
    if len(text) > MAX_BYTES:
        raise TapeError(f"not a tape: longer than {MAX_BYTES} bytes")
    try:
        content = json.loads(text, object_pairs_hook=_unique, parse_constant=_reject_constant)
    except TapeError:
        raise
    except (ValueError, RecursionError) as error:
        raise TapeError(f"not a tape: not JSON: {error}") from error
    if not isinstance(content, dict):
        raise TapeError(f"not a tape: a JSON object is needed, got {short(content)}")
    return content


def encode(fields: Mapping[str, Any]) -> str:
    """Writes checked fields as JSON text, one line per field."""
    content = {"format": FORMAT, "format_version": FORMAT_VERSION, **fields}
    lines = (f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in content.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def unwrapped(content: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a decoded tape's fields, their values not yet checked.

    Raises:
        TapeError: If it is another format, or a field is missing or unknown.
    """
    if content.get("format") != FORMAT:
        raise TapeError(f"format: must be {FORMAT!r}, got {short(content.get('format'))}")
    version = content.get("format_version")
    if isinstance(version, bool) or version not in range(1, FORMAT_VERSION + 1):
        raise TapeError(f"format_version: must be 1 to {FORMAT_VERSION}, got {short(version)}")
    fields = {key: content[key] for key in content if key not in ("format", "format_version")}
    if version == 1 and "platform" not in fields:
        fields["platform"] = "node" if fields.get("engine") == "exact" else None
    fields.setdefault("soft_resets", 0)
    for name in FIELDS:
        if name not in fields:
            raise TapeError(f"{name}: is missing")
    for name in fields:
        if name not in FIELDS:
            raise TapeError(f"{short(name)}: no such field; a tape has {', '.join(FIELDS)}")
    return fields


def checked_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Returns all of a tape's fields in their canonical types; ``meta`` as its own copy.

    Raises:
        TapeError: If a field has a wrong type or value; names the field.
    """
    checked = {name: check(name, fields[name]) for name, check in FIELDS.items()}
    total = sum(length for _, length in checked["keys"])
    if checked["ticks"] != total:
        raise TapeError(f"ticks: {checked['ticks']} are claimed, but the keys last {total}")
    if (checked["platform"] is None) != (checked["engine"] != "exact"):
        raise TapeError(
            f"platform: a tape of engine 'exact' has one and no other has, got "
            f"{checked['platform']!r} with {checked['engine']!r}"
        )
    return checked


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise TapeError(f"{short(twice)}: is there twice")
    return content


def _reject_constant(name: str) -> NoReturn:
    raise TapeError(f"not a tape: {name} is no number in JSON")


def _runs(name: str, value: object) -> tuple[Run, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str | bytes) or not value:
        raise TapeError(f"{name}: must be a list of [mask, ticks] pairs, got {short(value)}")
    if len(value) > MAX_TICKS:
        raise TapeError(f"{name}: at most {MAX_TICKS} pairs, got {len(value)}")
    total = 0
    runs = []
    for index, run in enumerate(value):
        if not isinstance(run, Sequence) or isinstance(run, str | bytes) or len(run) != 2:
            raise TapeError(f"{name}[{index}]: must be a [mask, ticks] pair, got {short(run)}")
        mask = _integer(f"{name}[{index}] mask", run[0], 0, N_MASKS - 1)
        length = _integer(f"{name}[{index}] ticks", run[1], 1, MAX_TICKS)
        total += length
        runs.append((mask, length))
    if total > MAX_TICKS:
        raise TapeError(f"{name}: may last at most {MAX_TICKS} ticks, last {total}")
    return tuple(runs)


def _integer(name: str, value: object, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise TapeError(f"{name}: must be an integer from {least} to {most}, got {short(value)}")
    return value


def _ticks(name: str, value: object) -> int:
    return _integer(name, value, 1, MAX_TICKS)


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TapeError(f"{name}: must be a number, got {short(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise TapeError(f"{name}: must be a finite number, got {short(value)}")
    return number


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise TapeError(f"{name}: must be true or false, got {short(value)}")
    return value


def _digest(name: str, value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{64}", value):
        raise TapeError(f"{name}: must be 64 lower-case hexadecimal digits, got {short(value)}")
    return value


def _engine(name: str, value: object) -> str:
    if not isinstance(value, str) or value not in ENGINES:
        names = " or ".join(map(repr, ENGINES))
        raise TapeError(f"{name}: must be {names}, got {short(value)}")
    return value


def _platform(name: str, value: object) -> str | None:
    if value is not None and (not isinstance(value, str) or value not in PLATFORMS):
        names = ", ".join(map(repr, PLATFORMS))
        raise TapeError(f"{name}: must be one of {names}, got {short(value)}")
    return value


def _soft_resets(name: str, value: object) -> int:
    return _integer(name, value, 0, MAX_SOFT_RESETS)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_TEXT_LENGTH:
        raise TapeError(
            f"{name}: must be text of 1 to {MAX_TEXT_LENGTH} characters, got {short(value)}"
        )
    return value


def _json_object(name: str, value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise TapeError(f"{name}: must be a JSON object, got {short(value)}")
    try:
        text = json.dumps(dict(value), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise TapeError(f"{name}: must be a JSON object: {error}") from error
    if len(text) > MAX_META_BYTES:
        raise TapeError(f"{name}: longer than {MAX_META_BYTES} bytes")
    return dict(json.loads(text))


FIELDS: Final[Mapping[str, Callable[[str, object], Any]]] = {
    "keys": _runs,
    "ticks": _ticks,
    "score_time": _number,
    "distance": _number,
    "finished": _flag,
    "state_sha256": _digest,
    "engine": _engine,
    "engine_version": _text,
    "platform": _platform,
    "soft_resets": _soft_resets,
    "meta": _json_object,
}
"""The tape's fields and what checks each, in the file's order."""
