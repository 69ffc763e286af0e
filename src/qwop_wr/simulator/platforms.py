"""Platforms: which browsers compute which sine and cosine.

The game's physics is the same everywhere, but ``Math.sin`` and ``Math.cos``
are the browser's own and differ in the last bit. A run is chaotic: one bit
becomes another run within some hundred ticks, so a tape holds on one platform.
docs/browser.md tells how the platforms were measured.
"""

from collections.abc import Mapping
from typing import Final

PLATFORMS: Final = ("chromium", "firefox", "chromium110", "node")
"""Names of the platforms; the first is the default everywhere."""

DEFAULT_PLATFORM: Final = PLATFORMS[0]

BROWSERS: Final[Mapping[str, str]] = {
    "chromium": "Chromium, Chrome and Edge from 152 on",
    "firefox": "Firefox",
    "chromium110": "Chromium, Chrome and Edge 110 to 149",
    "node": "Node 18 to 26, and Chromium up to 109",
}
"""Browsers that compute as the platform does, in words."""


def checked_platform(platform: str | None) -> str:
    """Returns the platform's name if there is such a platform.

    Raises:
        ValueError: If there is none; names the known ones.
    """
    if platform is None or platform not in PLATFORMS:
        names = ", ".join(map(repr, PLATFORMS))
        raise ValueError(f"unknown platform {platform!r}; the platforms are {names}")
    return platform
