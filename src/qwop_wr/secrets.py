"""Hides passwords in addresses from logs, MLflow and messages."""

import logging
import re
from collections.abc import Mapping
from typing import Any, Final

_USER_INFO: Final = re.compile(r"(?<=://)[^/@\s'\"]+(?=@)")
"""The part between ``://`` and ``@``: user name and password, or a token."""


def without_secrets(text: str) -> str:
    """Hide user names, passwords and tokens in addresses.

    Args:
        text: Any text, such as an error that names a server.

    Returns:
        The text; ``https://user:password@host`` has become ``https://***@host``.
    """
    return _USER_INFO.sub("***", text)


def hide_secrets(value: Any) -> Any:  # noqa: ANN401 (whatever parameters are made of)
    """Hide secrets in every text of nested values.

    Args:
        value: Mappings, sequences, texts and anything else.

    Returns:
        A copy of mappings and sequences; other values are unchanged.
    """
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, Mapping):
        return {name: hide_secrets(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(hide_secrets(inner) for inner in value)
    return value


class DiscreetRecord(logging.LogRecord):
    """A log record whose message hides secrets, for every logger and handler."""

    def getMessage(self) -> str:  # noqa: N802 (logging's name)
        """Put the message together.

        Returns:
            The message without secrets.
        """
        return without_secrets(super().getMessage())
