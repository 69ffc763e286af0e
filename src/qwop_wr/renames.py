"""Former names in older files and in configuration."""

import logging
from collections.abc import Mapping
from functools import cache

logger = logging.getLogger(__name__)

_RENAMED = {"seeds": "qwop_gym"}
"""Action set and reward, by their former names."""
_RENAMED_KEYS = {"actor_stretches": "actor_rollouts"}
"""Keys of options, by their former names."""


def present_name(name: object) -> object:
    """Translate the name of an action set or reward; a former one causes one warning.

    Args:
        name: Whatever a file or a caller says.

    Returns:
        The present name; values that are no former name are unchanged.
    """
    if not isinstance(name, str) or name not in _RENAMED:
        return name
    _warn(name, _RENAMED[name])
    return _RENAMED[name]


def present_keys(values: object) -> object:
    """Translate former keys of a block of options; each causes one warning.

    Args:
        values: Whatever configuration holds.
    """
    if not isinstance(values, Mapping):
        return values
    for key in values.keys() & _RENAMED_KEYS.keys():
        _warn(key, _RENAMED_KEYS[key])
    return {_RENAMED_KEYS.get(key, key): value for key, value in values.items()}


def first_name(name: str) -> str:
    """Look up the original name, for fingerprints that must not change."""
    return next((old for old, new in _RENAMED.items() if new == name), name)


@cache
def _warn(former: str, present: str) -> None:
    logger.warning("%r is called %r now; the old name is still understood", former, present)
