"""The published recipe's incentive for speed, added to any reward while training."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from qwop_wr.envs.state import Arrays
from qwop_wr.options import Options
from qwop_wr.simulator.base import Floats
from qwop_wr.simulator.constants import CLOCK_STEP, UNITS_PER_METRE

CLOCK_RATIO: Final = 10.0
"""The circulating clock shows the game's seconds divided by this, so that 2.5 m/s are 25."""


class VelocityRamp(Options):
    """Start of weight and exponent, which then change linearly."""

    weight: NonNegativeFloat
    """Weight at the first decision."""
    exponent: PositiveFloat
    """Exponent at the first decision."""
    decisions: PositiveInt
    """Decisions of every game until the final values are reached."""


class VelocityOptions(Options):
    """Bonus for a decision at speed v, in m/s on the circulating clock (10 times the game's).

    bonus = weight * v ** exponent, or weight * e ** (v / exponential_scale)
    + the milestones passed for the first time in the episode
    + acceleration_weight * (v - v of the decision before), if both are above 0 and it grew.
    """

    weight: NonNegativeFloat = 2.0
    """Factor of the bonus."""
    exponent: PositiveFloat = 2.5
    """Power of the speed."""
    exponential_scale: PositiveFloat | None = None
    """Speed that makes the bonus e times as large; none for the power."""
    least_speed: NonNegativeFloat = 3.0
    """Slower decisions have no such bonus."""
    milestones: dict[PositiveFloat, float] = Field(default={})
    """Bonus by speed, paid once an episode; the recipe's speeds are 10, 15, 20 and 25."""
    acceleration_weight: NonNegativeFloat = 0.5
    """Bonus per m/s gained."""
    clip: PositiveFloat | None = None
    """Largest size of the whole reward."""
    normalise: bool = False
    """Subtract the running mean of all rewards and divide by their standard deviation."""
    ramp: VelocityRamp | None = None
    """Begin with less and grow to ``weight`` and ``exponent``."""


class VelocityIncentive:
    """Adds the bonus to the rewards of many games; keeps their episodes."""

    def __init__(self, options: VelocityOptions, n_games: int) -> None:
        self._options = options
        milestones = sorted(options.milestones.items())
        self._thresholds = np.array([speed for speed, _ in milestones])  # (k,)
        self._bonuses = np.array([bonus for _, bonus in milestones])  # (k,)
        self._speeds = np.zeros(n_games)
        self._passed = np.zeros((n_games, len(milestones)), dtype=np.bool_)
        self._decisions = 0
        self._count, self._mean, self._squares = 0, 0.0, 0.0

    def begin(self, games: NDArray[np.int64]) -> None:
        """Forgets the episodes of games that begin anew."""
        self._speeds[games] = 0.0
        self._passed[games] = False

    def add(
        self, rewards: Floats, advance: NDArray[np.float64], ticks: NDArray[np.int64]
    ) -> Floats:
        """Adds the bonus of one decision, then clips, then normalises.

        Args:
            rewards: Rewards without it, shape (n_games,).
            advance: Progress of the torso [units], shape (n_games,).
            ticks: Ticks that the decision took; a game of 0 ticks stands still and
                keeps its reward, shape (n_games,).
        """
        options, playing = self._options, ticks > 0
        seconds = np.maximum(ticks, 1) * CLOCK_STEP / CLOCK_RATIO
        speeds = np.maximum(advance / UNITS_PER_METRE / seconds, 0.0)
        total = rewards + self.bonus(speeds)
        fresh = (speeds[:, None] >= self._thresholds) & ~self._passed  # (n_games, k)
        total += fresh @ self._bonuses
        gained = np.where(self._speeds > 0, np.maximum(speeds - self._speeds, 0.0), 0.0)
        total += options.acceleration_weight * gained
        self._passed[playing] |= fresh[playing]
        self._speeds[playing] = speeds[playing]
        self._decisions += 1
        if options.clip is not None:
            total = np.clip(total, -options.clip, options.clip)
        if options.normalise:
            total = self._normalised(total, playing)
        return np.where(playing, total, rewards)

    def bonus(self, speeds: NDArray[np.float64]) -> Floats:
        """Returns the bonus for speeds on the circulating clock [m/s] alone."""
        options = self._options
        weight, exponent = options.weight, options.exponent
        if options.ramp is not None:
            done = min(self._decisions / options.ramp.decisions, 1.0)
            weight = options.ramp.weight + done * (weight - options.ramp.weight)
            exponent = options.ramp.exponent + done * (exponent - options.ramp.exponent)
        if options.exponential_scale is not None:
            grown = np.exp(speeds / options.exponential_scale)
        else:
            grown = speeds**exponent
        return np.where(speeds >= options.least_speed, weight * grown, 0.0)

    def state(self) -> Arrays:
        """Returns a copy of the state.

        Returns:
            ``velocity_speeds``, shape (n_games,), ``velocity_passed`` (n_games, k),
            ``velocity_counts`` (2,) and ``velocity_moments`` (2,).
        """
        return {
            "velocity_speeds": self._speeds.copy(),
            "velocity_passed": self._passed.copy(),
            "velocity_counts": np.array([self._decisions, self._count]),
            "velocity_moments": np.array([self._mean, self._squares]),
        }

    def load_state(self, arrays: Arrays) -> None:
        """Restores a state of the same names, shapes and types."""
        self._speeds = arrays["velocity_speeds"].copy()
        self._passed = arrays["velocity_passed"].copy()
        self._decisions, self._count = arrays["velocity_counts"].tolist()
        self._mean, self._squares = arrays["velocity_moments"].tolist()

    def _normalised(self, rewards: Floats, playing: NDArray[np.bool_]) -> Floats:
        for reward in rewards[playing].tolist():
            self._count += 1
            before = reward - self._mean
            self._mean += before / self._count
            self._squares += before * (reward - self._mean)
        if self._count < 2 or self._squares == 0:
            return rewards
        deviation = np.sqrt(self._squares / (self._count - 1))
        return np.asarray((rewards - self._mean) / deviation)
