"""Where a search begins: after keys that were chosen before."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qwop_wr.envs import EnvironmentOptions
from qwop_wr.simulator import Simulator

Prefix = NDArray[np.uint8]
"""Key mask of every tick since a hard reset, shape (ticks,); may be empty."""


def idle_prefix(ticks: int) -> Prefix:
    """Wait before the first action.

    Args:
        ticks: Ticks without keys.

    Returns:
        The keys.
    """
    return np.zeros(ticks, dtype=np.uint8)


def play_prefixes(
    environment: EnvironmentOptions, prefixes: Sequence[Prefix], sink_height: float
) -> Simulator:
    """Bring one game to the end of each prefix.

    Args:
        environment: How the game is played.
        prefixes: Keys of every start, at least one.
        sink_height: Torso height [units, down] that no start may exceed.

    Returns:
        Simulator with one game per prefix, all running.

    Raises:
        ValueError: If there is no prefix or one does not lead to a running,
            upright runner; names it.
    """
    if not prefixes:
        raise ValueError("a search needs at least one start; an empty prefix is the hard reset")
    starts, runner = environment.make_games(len(prefixes)), environment.make_games()
    for place, prefix in enumerate(prefixes):
        runner.reset()
        for mask in prefix:
            runner.step(np.array([mask], dtype=np.uint8))
        if runner.ended[0]:
            how = "finishes" if runner.landed[0] else "falls"
            raise ValueError(
                f"start {place}: its prefix of {len(prefix)} ticks {how} in tick "
                f"{runner.ticks[0]}; shorten it"
            )
        if runner.state[0, 0, 1] > sink_height:
            raise ValueError(
                f"start {place}: after its prefix of {len(prefix)} ticks the torso is at "
                f"{runner.state[0, 0, 1]:.2f}, below sink_height {sink_height}; change either"
            )
        starts.copy_games(runner, [0], [place])
    return starts
