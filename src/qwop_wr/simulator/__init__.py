"""The game, without learning: anatomy, rules, engines and tapes."""

from typing import Final

from qwop_wr.simulator.base import Simulator
from qwop_wr.simulator.platforms import DEFAULT_PLATFORM, PLATFORMS, checked_platform

ENGINES: Final = ("exact", "box2d")
"""Names of the engines; the first is the default everywhere."""

SLOW_CLONES: Final = ("box2d",)
"""Engines that can clone a game only by playing its keys again: searches are small there."""


def make_simulator(
    engine: str, n_games: int = 1, platform: str | None = DEFAULT_PLATFORM
) -> Simulator:
    """Makes a batch of games, each after a hard reset; imports only the engine asked for.

    Args:
        engine: ``"exact"`` reproduces the browser game bit for bit;
            ``"box2d"`` is the same game on the Box2D binding.
        n_games: Number of games, at least 1.
        platform: Browsers whose sine and cosine ``"exact"`` uses, one of
            ``PLATFORMS``; Box2D has its own and is alike on all.

    Raises:
        ValueError: If engine or platform is unknown or ``n_games`` is not positive.
    """
    if engine == "exact":
        from qwop_wr.simulator.exact import ExactSimulator  # noqa: PLC0415

        return ExactSimulator(n_games, checked_platform(platform))
    if engine == "box2d":
        from qwop_wr.simulator.box2d import Box2DSimulator  # noqa: PLC0415

        return Box2DSimulator(n_games)
    raise ValueError(f"unknown engine {engine!r}; the engines are {', '.join(map(repr, ENGINES))}")


__all__ = ["DEFAULT_PLATFORM", "ENGINES", "PLATFORMS", "SLOW_CLONES", "Simulator", "make_simulator"]
