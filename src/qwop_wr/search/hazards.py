"""Where runs end: on the first metres, and at the hurdle, wherever it lies."""

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from qwop_wr.envs import Snapshot
from qwop_wr.simulator.base import Booleans
from qwop_wr.simulator.constants import UNITS_PER_METRE

_UPRIGHT: Final = 1
"""Index of the hurdle's upright, which is what legs touch."""


class HazardOptions(BaseModel):
    """Where agents fall.

    Of those that finish 97 runs in 100, nearly all others fall in these places: an idle
    tick more or less makes another start, and a hurdle that was knocked over stays between
    the legs for up to 40 m (docs/training.md).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    start: float = Field(default=8.0, ge=0, allow_inf_nan=False)
    """The start ends here [m]."""
    hurdle_ahead: float = Field(default=2.5, ge=0, allow_inf_nan=False)
    """The hurdle counts from so far before it [m] ..."""
    hurdle_behind: float = Field(default=4.0, ge=0, allow_inf_nan=False)
    """... until it is so far behind [m]."""

    def reached(self, games: Snapshot) -> Booleans:
        """Tell who is in such a place.

        Args:
            games: Snapshot of n games.

        Returns:
            Booleans, shape (n,).
        """
        torso = games.torso_x / UNITS_PER_METRE
        hurdle = games.hurdle[:, _UPRIGHT, 0] / UNITS_PER_METRE - torso
        near = (hurdle < self.hurdle_ahead) & (hurdle > -self.hurdle_behind)
        starting: Booleans = torso < self.start
        return starting | near
