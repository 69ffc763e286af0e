"""A track without an end, as guides are shown it."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from qwop_wr.envs import OBSERVATIONS

Floats = NDArray[np.float32]

FINISH_FEATURE: Final = "sand pit ahead by"
"""Feature that lets an agent see the end of the track."""
FAR_AHEAD: Final = 1.0
"""What the feature reads as long as the end is far."""


class EndlessTrack:
    """Hides the finish from observations.

    An agent's values fall towards the finish, where no metres are left to earn;
    this would hold back the states of a beam that are ahead.

    Args:
        observation: Kind of observation, a key of ``OBSERVATIONS``.
    """

    def __init__(self, observation: str) -> None:
        names = [feature.name for feature in OBSERVATIONS[observation]]
        self._finish = names.index(FINISH_FEATURE) if FINISH_FEATURE in names else None

    def seen(self, observations: Floats) -> Floats:
        """Show what would be seen if the track went on.

        Args:
            observations: Shape (n, d).

        Returns:
            Observations without the finish; the given ones stay as they are.
        """
        if self._finish is None:
            return observations
        changed = observations.copy()
        changed[:, self._finish] = FAR_AHEAD
        return changed
