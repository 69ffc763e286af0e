"""Errors that a user can correct, each reported in one line."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

import click
import pydantic

from qwop_wr.secrets import without_secrets


class BadInputError(click.ClickException):
    """A key, name or file that the user gave cannot be used.

    On the command line it is shown as one line, ``Error: <message>``, without a
    traceback, and the command ends with status 1.

    Args:
        message: What is wrong, with which key or file and value, and what would be
            right; line breaks become spaces, passwords in addresses ``***``.
    """

    def __init__(self, message: str) -> None:
        super().__init__(without_secrets(" ".join(message.split())))


def suggest(name: str, known: Iterable[str]) -> str:
    """Suggest the intended name for an unknown one.

    Args:
        known: Names that would be right.

    Returns:
        ``did you mean '...'?`` if one is close, otherwise the known names up to their
        first dot.
    """
    names = set(known)
    if close := get_close_matches(name, sorted(names), n=1):
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(sorted({name.split('.')[0] for name in names})) or 'none'}"


def as_block(key: str, value: object) -> str:
    """Show how a dotted key is written in YAML.

    Returns:
        Nested blocks on one line, such as ``tracking: {run: {name: 'x'}}``.
    """
    first, *others = key.split(".")
    text = repr(value)
    for part in reversed(others):
        text = f"{{{part}: {text}}}"
    return f"{first}: {text}"


def describe_validation_error(
    error: pydantic.ValidationError, prefix: str = "", known: Iterable[str] = ()
) -> list[str]:
    """Describe each validation error in one line.

    Args:
        error: What Pydantic raised.
        prefix: Dotted name of the model's place, put before every key.
        known: Dotted keys that would be right, to suggest one for an unknown key.

    Returns:
        Lines such as ``training.gamma = 1.5: Input should be less than 1``.
    """
    lines = []
    known = set(known)
    for detail in error.errors(include_url=False, include_context=False):
        key = ".".join(str(part) for part in (prefix, *detail["loc"]) if part != "")
        if detail["type"] == "missing":
            lines.append(f"{key} is missing")
        elif detail["type"] == "extra_forbidden":
            last = str(detail["loc"][-1])
            if "." in last and key in known:
                hint = f"keys have no dots; write it as a block: {as_block(last, detail['input'])}"
            else:
                hint = f"there is no such key; {suggest(key, known)}"
            lines.append(f"{key} = {detail['input']!r}: {hint}")
        else:
            # For a check over several keys the input is the whole model.
            value = "" if isinstance(detail["input"], Mapping) else f" = {detail['input']!r}"
            lines.append(f"{key}{value}: {detail['msg'].removeprefix('Value error, ')}")
    return lines
