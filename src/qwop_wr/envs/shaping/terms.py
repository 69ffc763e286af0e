"""Terms of a shaped reward: pure functions of a decision, each with its options."""

from typing import Annotated, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from qwop_wr.envs.shaping.posture import KNEE_LIMIT, knee_heights, limit_distances
from qwop_wr.envs.snapshots import Snapshot
from qwop_wr.simulator.constants import CLOCK_STEP, UNITS_PER_METRE
from qwop_wr.simulator.keys import N_MASKS

Floats = NDArray[np.float64]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
LegJoint = Literal[
    "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"
]  # fmt: skip

_KEYS_DOWN: Final = np.array([mask.bit_count() for mask in range(N_MASKS)])


class Step(NamedTuple):
    """One decision of n games.

    Attributes:
        before: The games before it.
        after: The games after it.
        keys_before: Masks held before it, shape (n,).
        keys: Masks held in it, shape (n,).
        ticks: Ticks that it took, 0 for a game that stands still, shape (n,).
    """

    before: Snapshot
    after: Snapshot
    keys_before: NDArray[np.uint8]
    keys: NDArray[np.uint8]
    ticks: NDArray[np.int64]


class _Term(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    weight: Weight
    """Factor; see the term for its unit."""


class PostureTerm(_Term):
    """Charges a torso that is too low: weight per unit of depth and tick."""

    term: Literal["posture"] = "posture"
    """Name of the term."""
    height: float = Field(default=1.3, allow_inf_nan=False)
    """Torso's y above which it is too low [units, y points down]."""

    def rewards(self, step: Step) -> Floats:
        """Reward of a decision in every game, shape (n,)."""
        depth = np.maximum(step.after.torso_y - self.height, 0.0)
        return -self.weight * depth * step.ticks


class KneesTerm(_Term):
    """Charges knees near the ground: weight per unit below the limit, knee and tick."""

    term: Literal["knees"] = "knees"
    """Name of the term."""
    height: float = Field(default=KNEE_LIMIT, allow_inf_nan=False)
    """Height above the track under which a knee is charged for [units]."""

    def rewards(self, step: Step) -> Floats:
        """Reward of a decision in every game, shape (n,)."""
        depths = np.maximum(self.height - knee_heights(step.after.state), 0.0)  # (n, 2)
        return np.asarray(-self.weight * depths.sum(axis=1) * step.ticks)


class EnergyTerm(_Term):
    """Charges restless keys: weight per key pressed or released."""

    term: Literal["energy"] = "energy"
    """Name of the term."""

    def rewards(self, step: Step) -> Floats:
        """Reward of a decision in every game, shape (n,)."""
        changed = _KEYS_DOWN[step.keys_before ^ step.keys]
        return -self.weight * np.where(step.ticks > 0, changed, 0)


class JointLimitsTerm(_Term):
    """Charges joints near a limit: weight per joint and tick at the limit, 0 at the margin."""

    term: Literal["joint_limits"] = "joint_limits"
    """Name of the term."""
    margin: float = Field(default=0.2, gt=0, allow_inf_nan=False)
    """Distance from a limit at which the charge begins [rad]."""
    joints: tuple[LegJoint, ...] = Field(default=("left_knee", "right_knee"), min_length=1)
    """Joints that are watched."""

    def rewards(self, step: Step) -> Floats:
        """Reward of a decision in every game, shape (n,)."""
        after = step.after
        distances = limit_distances(after.state, after.calf_key, self.joints)  # (n, k)
        nearness = np.maximum(1.0 - distances / self.margin, 0.0)
        return np.asarray(-self.weight * nearness.sum(axis=1) * step.ticks)


class UprightTerm(_Term):
    """Pays for a torso that is high enough: weight per tick."""

    term: Literal["upright"] = "upright"
    """Name of the term."""
    height: float = Field(default=1.3, allow_inf_nan=False)
    """Torso's y up to which it is high enough [units, y points down]."""

    def rewards(self, step: Step) -> Floats:
        """Reward of a decision in every game, shape (n,)."""
        return self.weight * np.where(step.after.torso_y <= self.height, step.ticks, 0.0)


class SpeedTerm(_Term):
    """Pays for speed forward: weight * v ** exponent per second, v in m/s of the game's clock."""

    term: Literal["speed"] = "speed"
    """Name of the term."""
    exponent: float = Field(default=2.0, gt=0, le=10)
    """Power of the speed; 1 pays for metres, whatever the speed."""

    def rewards(self, step: Step) -> Floats:
        """Reward of a decision in every game, shape (n,)."""
        seconds = step.ticks * CLOCK_STEP
        metres = np.maximum(step.after.torso_x - step.before.torso_x, 0.0) / UNITS_PER_METRE
        speeds = metres / np.maximum(seconds, CLOCK_STEP)
        return np.asarray(self.weight * speeds**self.exponent * seconds)


Term = Annotated[
    PostureTerm | KneesTerm | EnergyTerm | JointLimitsTerm | UprightTerm | SpeedTerm,
    Field(discriminator="term"),
]
