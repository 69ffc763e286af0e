"""Key recordings of other programs: their bytes to keys per tick, and back."""

from typing import Final

MAX_BYTES: Final = 4 * 1024 * 1024
"""Largest foreign recording that is read [bytes]."""
