"""n-step returns over windows of consecutive steps."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


class NStepSamples(NamedTuple):
    """A batch to learn from: R = r_0 + g r_1 + ... and what lies behind it.

    Attributes:
        observations: First observations, shape (batch, d).
        actions: First actions, shape (batch,).
        returns: Discounted sum of up to n rewards, shape (batch,).
        next_observations: Observations behind the last reward, shape (batch, d).
        discounts: Weight of the value there: gamma ** steps, and 0 behind a fall,
            shape (batch,).
        outlived: Whether the last reward was the episode's and the runner still
            stood: a finish or a time limit, shape (batch,).
        imitated: Whether the step is to be imitated: demonstrated, or part of an
            elite run, shape (batch,).
    """

    observations: Floats
    actions: Integers
    returns: Floats
    next_observations: Floats
    discounts: Floats
    outlived: NDArray[np.bool_]
    imitated: NDArray[np.bool_]


class NStepReturns(NamedTuple):
    """Sums over the windows.

    Attributes:
        returns: Discounted sums of the rewards, shape (batch,).
        last: Index in the window of the last step that counts, shape (batch,).
        discounts: gamma to the power of the number of steps, shape (batch,).
    """

    returns: Floats
    last: Integers
    discounts: Floats


def n_step_returns(rewards: Floats, ends: NDArray[np.bool_], gamma: float) -> NStepReturns:
    """Sum the rewards of windows, each up to its first end.

    Args:
        rewards: Rewards of consecutive steps, shape (batch, n).
        ends: Whether a window must stop after that step: an episode ends there or
            nothing newer is known, shape (batch, n).
        gamma: Discount per step.

    Returns:
        Sums, last steps and discounts.
    """
    n = rewards.shape[1]
    stops = ends.copy()
    stops[:, -1] = True
    last = stops.argmax(axis=1)  # (batch,)
    powers = gamma ** np.arange(n + 1)  # (n + 1,)
    counted = np.arange(n) <= last[:, None]  # (batch, n)
    returns = (rewards * counted) @ powers[:n]
    return NStepReturns(returns.astype(np.float32), last, powers[last + 1].astype(np.float32))
