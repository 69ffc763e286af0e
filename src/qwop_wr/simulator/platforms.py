"""Platforms: which browsers compute which sine and cosine.

The game's physics is the same everywhere, but ``Math.sin`` and ``Math.cos``
are the browser's own and differ in the last bit. A run is chaotic: one bit
becomes another run within some hundred ticks, so a tape holds on one platform.
docs/browser.md tells how the platforms were measured.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

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


def sines_cosines(
    platform: str, angles: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Computes sines and cosines to the bits of a platform's browsers.

    Args:
        platform: One of :data:`PLATFORMS`.
        angles: Angles [rad], at most 823,549 in size, any shape.

    Returns:
        Sines and cosines, of the angles' shape.

    Raises:
        ValueError: If there is no such platform or an angle is too large or no number.
    """
    from qwop_wr.simulator.exact.batch import compute_sines_cosines  # noqa: PLC0415
    from qwop_wr.simulator.exact.simd import LANES  # noqa: PLC0415
    from qwop_wr.simulator.exact.trigonometry import LARGEST  # noqa: PLC0415

    number = PLATFORMS.index(checked_platform(platform))
    wanted = np.asarray(angles, dtype=np.float64)
    if not np.all(np.abs(wanted) <= LARGEST):
        raise ValueError(f"an angle must be a number of at most {LARGEST:.0f} in size")
    padded = np.zeros(-(-wanted.size // LANES) * LANES)
    padded[: wanted.size] = wanted.ravel()
    sines, cosines = np.empty_like(padded), np.empty_like(padded)
    compute_sines_cosines(number, padded, sines, cosines)
    return (
        sines[: wanted.size].reshape(wanted.shape),
        cosines[: wanted.size].reshape(wanted.shape),
    )
