"""Rewards for how a runner moves, added to what a decision earns while training."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt, model_validator

from qwop_wr.envs.snapshots import Snapshot
from qwop_wr.envs.state import Arrays
from qwop_wr.options import Options
from qwop_wr.simulator.anatomy import HIP_LIMITS, JOINTS, PART_INDEX, JointSpec
from qwop_wr.simulator.base import Floats
from qwop_wr.simulator.constants import CLOCK_STEP, GROUND_Y, UNITS_PER_METRE
from qwop_wr.simulator.keys import N_MASKS

KNEE_LIMIT: Final = 1.5
"""A knee lower than this is near the ground [units above it; 10 are a metre].

Runs of 40 to 66 s keep both knees above 1.9 in every tick; a runner that scrapes along has
one below 1.5 in 92 % of them.
"""

_JOINTS: Final = {joint.name: joint for joint in JOINTS}
_KNEES: Final = tuple(joint for joint in JOINTS if joint.name.endswith("_knee"))


def knee_heights(state: Floats) -> Floats:
    """Returns the left and the right knee joint's height above the track [units], shape (n, 2).

    ``state`` is the parts' motion, shape (n, 12, 6).
    """
    heights = []
    for joint in _KNEES:
        part = state[:, PART_INDEX[joint.body_a]]
        x, y = joint.anchor_a
        heights.append(GROUND_Y - (part[:, 1] + np.sin(part[:, 2]) * x + np.cos(part[:, 2]) * y))
    return np.stack(heights, axis=1)


def limit_distances(state: Floats, calf_key: NDArray[np.uint8], joints: Sequence[str]) -> Floats:
    """Returns the distances of k joints from the nearer of their limits.

    Args:
        state: Parts' motion, shape (n, 12, 6).
        calf_key: Calf key that last set the hips' limits: 0, O or P, shape (n,).
        joints: Their names.

    Returns:
        Distances [rad], negative beyond a limit, shape (n, k).
    """
    distances = np.empty((len(state), len(joints)))
    for place, name in enumerate(joints):
        joint = _JOINTS[name]
        angles = [state[:, PART_INDEX[part], 2] for part in (joint.body_a, joint.body_b)]
        angle = angles[1] - angles[0] - joint.reference_angle
        lower, upper = _limits(joint, calf_key)
        distances[:, place] = np.minimum(angle - lower, upper - angle)
    return distances


def _limits(joint: JointSpec, calf_key: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    lower = np.full(len(calf_key), joint.lower)
    upper = np.full(len(calf_key), joint.upper)
    for key, limits in HIP_LIMITS.items():
        if joint.name in limits:
            lower[calf_key == key], upper[calf_key == key] = limits[joint.name]
    return lower, upper


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


class _Term(Options):
    weight: Weight
    """Factor; see the term for its unit."""


class PostureTerm(_Term):
    """Charges a torso that is too low: weight per unit of depth and tick."""

    term: Literal["posture"] = "posture"
    """Name of the term."""
    height: float = Field(default=1.3, allow_inf_nan=False)
    """Torso's y above which it is too low [units, y points down]."""

    def rewards(self, step: Step) -> Floats:
        """Returns the reward of a decision in every game, shape (n,)."""
        depth = np.maximum(step.after.torso_y - self.height, 0.0)
        return -self.weight * depth * step.ticks


class KneesTerm(_Term):
    """Charges knees near the ground: weight per unit below the limit, knee and tick."""

    term: Literal["knees"] = "knees"
    """Name of the term."""
    height: float = Field(default=KNEE_LIMIT, allow_inf_nan=False)
    """Height above the track under which a knee is charged for [units]."""

    def rewards(self, step: Step) -> Floats:
        """Returns the reward of a decision in every game, shape (n,)."""
        depths = np.maximum(self.height - knee_heights(step.after.state), 0.0)  # (n, 2)
        return np.asarray(-self.weight * depths.sum(axis=1) * step.ticks)


class EnergyTerm(_Term):
    """Charges restless keys: weight per key pressed or released."""

    term: Literal["energy"] = "energy"
    """Name of the term."""

    def rewards(self, step: Step) -> Floats:
        """Returns the reward of a decision in every game, shape (n,)."""
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
        """Returns the reward of a decision in every game, shape (n,)."""
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
        """Returns the reward of a decision in every game, shape (n,)."""
        return self.weight * np.where(step.after.torso_y <= self.height, step.ticks, 0.0)


class SpeedTerm(_Term):
    """Pays for speed forward: weight * v ** exponent per second, v in m/s of the game's clock."""

    term: Literal["speed"] = "speed"
    """Name of the term."""
    exponent: float = Field(default=2.0, gt=0, le=10)
    """Power of the speed; 1 pays for metres, whatever the speed."""

    def rewards(self, step: Step) -> Floats:
        """Returns the reward of a decision in every game, shape (n,)."""
        seconds = step.ticks * CLOCK_STEP
        metres = np.maximum(step.after.torso_x - step.before.torso_x, 0.0) / UNITS_PER_METRE
        speeds = metres / np.maximum(seconds, CLOCK_STEP)
        return np.asarray(self.weight * speeds**self.exponent * seconds)


Term = Annotated[
    PostureTerm | KneesTerm | EnergyTerm | JointLimitsTerm | UprightTerm | SpeedTerm,
    Field(discriminator="term"),
]


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]

PREFIX: Final = "shaping/"
"""Infos of the terms' sums begin with it."""


class CurriculumPhase(Options):
    """A part of a curriculum: what counts for how much."""

    name: Name
    """What is learnt in it."""
    decisions: PositiveInt
    """Decisions of every game that it lasts; the last phase goes on beyond that."""
    reward: Weight = 1.0
    """Factor on the reward without shaping."""
    terms: dict[Name, Weight] = Field(default={})
    """Factors on terms by name; on others it is 1."""


class ShapingOptions(Options):
    """Terms that are added to the reward."""

    terms: dict[Name, Term] = Field(min_length=1)
    """Terms by a name of one's own choice, under which they are logged."""
    curriculum: tuple[CurriculumPhase, ...] = ()
    """Phases in order; none lets everything count in full."""

    @model_validator(mode="after")
    def _knows_its_terms(self) -> "ShapingOptions":
        for phase in self.curriculum:
            if unknown := sorted(phase.terms.keys() - self.terms.keys()):
                raise ValueError(
                    f"phase {phase.name!r} weighs {unknown[0]!r}, but the terms are "
                    f"{', '.join(self.terms)}"
                )
        return self


class Shaping:
    """Adds terms to the rewards of many games; keeps their episodes and the phase."""

    def __init__(self, options: ShapingOptions, n_games: int) -> None:
        self._options = options
        self._sums = np.zeros((n_games, len(options.terms)))
        self._decisions = 0

    @property
    def phase(self) -> CurriculumPhase | None:
        """The present phase, if there is a curriculum."""
        left = self._decisions
        for phase in self._options.curriculum:
            if left < phase.decisions:
                return phase
            left -= phase.decisions
        return self._options.curriculum[-1] if self._options.curriculum else None

    @property
    def sums(self) -> dict[str, Floats]:
        """Sum of every term in the episode so far, by info's name, shape (n_games,)."""
        return {
            f"{PREFIX}{name}": self._sums[:, place].copy()
            for place, name in enumerate(self._options.terms)
        }

    def begin(self, games: NDArray[np.int64]) -> None:
        """Forgets the episodes of games that begin anew."""
        self._sums[games] = 0.0

    def add(self, rewards: Floats, step: Step) -> Floats:
        """Adds all terms of one decision to what it earned without them, shape (n_games,)."""
        phase = self.phase
        factors: Mapping[str, float] = phase.terms if phase else {}
        total = rewards * phase.reward if phase else rewards.copy()
        for place, (name, term) in enumerate(self._options.terms.items()):
            added = factors.get(name, 1.0) * term.rewards(step)
            self._sums[:, place] += added
            total += added
        self._decisions += 1
        return total

    def state(self) -> Arrays:
        """Returns copies of ``shaping_sums`` (n_games, terms) and ``shaping_decisions`` (1,)."""
        return {"shaping_sums": self._sums.copy(), "shaping_decisions": np.array([self._decisions])}

    def load_state(self, arrays: Arrays) -> None:
        """Restores a state of the same names, shapes and types.

        Raises:
            ValueError: If the number of decisions is negative.
        """
        decisions = int(arrays["shaping_decisions"][0])
        if decisions < 0:
            raise ValueError("the saved state's 'shaping_decisions' must not be negative")
        self._sums[:], self._decisions = arrays["shaping_sums"], decisions
