"""Former names in older files."""

import logging
from functools import cache

logger = logging.getLogger(__name__)

_RENAMED = {"seeds": "qwop_gym"}
"""Action set and reward, by their former names."""


def present_name(name: object) -> object:
    """Translate the name of an action set or reward; a former one causes one warning.

    Args:
        name: Whatever a file or a caller says.

    Returns:
        The present name; values that are no former name are unchanged.
    """
    if not isinstance(name, str) or name not in _RENAMED:
        return name
    _warn(name)
    return _RENAMED[name]


def first_name(name: str) -> str:
    """Look up the original name, for fingerprints that must not change."""
    return next((old for old, new in _RENAMED.items() if new == name), name)


@cache
def _warn(name: str) -> None:
    logger.warning("%r is called %r now; the old name is still understood", name, _RENAMED[name])
