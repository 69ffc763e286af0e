"""Several terms by name, their weights by phase, and what each came to in an episode."""

from collections.abc import Mapping
from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from qwop_wr.envs.saved import Arrays
from qwop_wr.envs.shaping.terms import Step, Term, Weight

Floats = NDArray[np.float64]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]

PREFIX: Final = "shaping/"
"""Infos of the terms' sums begin with it."""


class Phase(BaseModel):
    """A part of a curriculum: what counts for how much."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: Name
    """What is learnt in it."""
    decisions: PositiveInt
    """Decisions of every game that it lasts; the last phase goes on beyond that."""
    reward: Weight = 1.0
    """Factor on the reward without shaping."""
    terms: dict[Name, Weight] = Field(default={})
    """Factors on terms by name; on others it is 1."""


class ShapingOptions(BaseModel):
    """Terms that are added to the reward."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    terms: dict[Name, Term] = Field(min_length=1)
    """Terms by a name of one's own choice, under which they are logged."""
    curriculum: tuple[Phase, ...] = ()
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
    """Adds terms to the rewards of many games; knows their episodes and the phase.

    Args:
        options: The terms.
        n_games: Number of games.
    """

    def __init__(self, options: ShapingOptions, n_games: int) -> None:
        self._options = options
        self._sums = np.zeros((n_games, len(options.terms)))
        self._decisions = 0

    @property
    def phase(self) -> Phase | None:
        """The present phase, if there is a curriculum."""
        left = self._decisions
        for phase in self._options.curriculum:
            if left < phase.decisions:
                return phase
            left -= phase.decisions
        return self._options.curriculum[-1] if self._options.curriculum else None

    @property
    def sums(self) -> dict[str, Floats]:
        """What every term came to in the episode so far, by info's name, shape (n_games,)."""
        return {
            f"{PREFIX}{name}": self._sums[:, place].copy()
            for place, name in enumerate(self._options.terms)
        }

    def begin(self, games: NDArray[np.int64]) -> None:
        """Forget the episodes of games that begin anew.

        Args:
            games: Their indices.
        """
        self._sums[games] = 0.0

    def add(self, rewards: Floats, step: Step) -> Floats:
        """Add all terms of one decision.

        Args:
            rewards: What the decision earned without them, shape (n_games,).
            step: The decision.

        Returns:
            The shaped rewards, shape (n_games,).
        """
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
        """Copy what is remembered.

        Returns:
            ``shaping_sums``, shape (n_games, terms), and ``shaping_decisions``, shape (1,).
        """
        return {
            "shaping_sums": self._sums.copy(),
            "shaping_decisions": np.array([self._decisions]),
        }

    def load_state(self, arrays: Arrays) -> None:
        """Go on from a state.

        Args:
            arrays: From :meth:`state`, of the same names, shapes and types.

        Raises:
            ValueError: If the number of decisions is negative.
        """
        decisions = int(arrays["shaping_decisions"][0])
        if decisions < 0:
            raise ValueError("the saved state's 'shaping_decisions' must not be negative")
        self._sums[:], self._decisions = arrays["shaping_sums"], decisions
