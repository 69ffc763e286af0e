"""Errors of a training."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from qwop_wr.agents.agent import Agent


class TrainingStateError(ValueError):
    """A training cannot go on from a state: it is another's, or not in the right form."""


class TrainingDivergedError(ArithmeticError):
    """A loss or weight stopped being a finite number.

    Args:
        quantity: What went wrong, for example ``"loss"``.
        step: Decisions made until then.
        batch: What the learner was learning from, arrays by name, if that is known.
    """

    def __init__(
        self, quantity: str, step: int, batch: Mapping[str, NDArray[Any]] | None = None
    ) -> None:
        self.batch = batch
        self.agent: Agent | None = None
        """Best agent seen before, if any was evaluated."""
        super().__init__(
            f"training diverged: {quantity} is not finite at step {step}; "
            "lower learning_rate or max_grad_norm"
        )
