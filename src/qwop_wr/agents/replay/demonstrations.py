"""Demonstrated steps: kept for ever, sampled beside the learner's own."""

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from qwop_wr.agents.replay.n_step import NStepSamples, n_step_returns
from qwop_wr.agents.replay.sampling import Draw, Floats, Integers, Sampler
from qwop_wr.agents.transitions import Transitions


class _Outlook(NamedTuple):
    """What follows every step; arrays of shape (N,)."""

    returns: Floats
    last: Integers
    discounts: Floats
    outlived: NDArray[np.bool_]


class DemonstrationBuffer:
    """A permanent buffer; returns are computed once per length.

    Args:
        transitions: What was demonstrated.
        gamma: Discount per step.
        sampler: Draws the steps.
        bonus: Added to the errors of the steps where priorities count.
    """

    def __init__(
        self, transitions: Transitions, gamma: float, sampler: Sampler, bonus: float = 0.0
    ) -> None:
        self._transitions = transitions
        self._gamma = gamma
        self._sampler = sampler
        self._outlooks: dict[int, _Outlook] = {}
        sampler.add(np.arange(len(transitions)), bonus)

    def __len__(self) -> int:
        """Number of demonstrated steps."""
        return len(self._transitions)

    @property
    def sampler(self) -> Sampler:
        """What draws the steps."""
        return self._sampler

    def draw(self, batch_size: int, beta: float) -> Draw:
        """Draw steps.

        Args:
            batch_size: Number of draws.
            beta: How far importance weights correct the priorities' bias.

        Returns:
            Steps and weights.
        """
        return self._sampler.draw(batch_size, beta)

    def update_priorities(self, steps: Integers, errors: Floats) -> None:
        """Tell the sampler the errors of steps that were drawn.

        Args:
            steps: The steps, shape (batch,).
            errors: Absolute errors, shape (batch,).
        """
        self._sampler.update(steps, errors)

    def n_step_samples(self, steps: Integers, n_steps: int) -> NStepSamples:
        """Look up steps with their n-step returns.

        Args:
            steps: Indices of the first steps, shape (batch,).
            n_steps: Longest return.

        Returns:
            The batch, rewards as they were demonstrated.
        """
        if n_steps not in self._outlooks:
            self._outlooks[n_steps] = self._look_ahead(n_steps)
        outlook = self._outlooks[n_steps]
        return NStepSamples(
            observations=self._transitions.obs[steps],
            actions=self._transitions.actions[steps],
            returns=outlook.returns[steps],
            next_observations=self._transitions.next_obs[outlook.last[steps]],
            discounts=outlook.discounts[steps],
            outlived=outlook.outlived[steps],
            imitated=np.ones(len(steps), dtype=np.bool_),
        )

    def _look_ahead(self, n_steps: int) -> _Outlook:
        steps = self._transitions
        # Past the last step lies padding; the last step is an end, so it never counts.
        rewards = np.append(steps.rewards, np.zeros(n_steps - 1, dtype=np.float32))
        ends = np.append(steps.ends, np.ones(n_steps - 1, dtype=np.bool_))
        sums = n_step_returns(
            sliding_window_view(rewards, n_steps),  # (N, n_steps)
            sliding_window_view(ends, n_steps),
            self._gamma,
        )
        last = np.arange(len(steps)) + sums.last
        fell = steps.dones[last]
        return _Outlook(sums.returns, last, sums.discounts * ~fell, steps.ends[last] & ~fell)


def mean_return(transitions: Transitions, gamma: float) -> float:
    """Average the discounted return from every step to its episode's end.

    Args:
        transitions: The steps.
        gamma: Discount per step.

    Returns:
        The mean; what lies beyond finishes and time limits is not in it.
    """
    total, running = 0.0, 0.0
    for reward, end in zip(transitions.rewards[::-1], transitions.ends[::-1], strict=True):
        running = float(reward) + (0.0 if end else gamma * running)
        total += running
    return total / len(transitions)
