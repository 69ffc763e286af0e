"""Demonstrated steps: kept for ever, sampled beside the learner's own."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from qwop_wr.agents.replay.n_step import NStepSamples, n_step_returns
from qwop_wr.agents.transitions import Transitions


class DemonstrationBuffer:
    """A permanent buffer; the n-step returns are computed once.

    Args:
        transitions: What was demonstrated.
        n_steps: Longest return.
        gamma: Discount per step.
        rng: Source of the draws.
    """

    def __init__(
        self, transitions: Transitions, n_steps: int, gamma: float, rng: np.random.Generator
    ) -> None:
        n = len(transitions)
        # Past the last step lies padding; the last step is an end, so it never counts.
        rewards = np.append(transitions.rewards, np.zeros(n_steps - 1, dtype=np.float32))
        ends = np.append(transitions.ends, np.ones(n_steps - 1, dtype=np.bool_))
        sums = n_step_returns(
            sliding_window_view(rewards, n_steps),  # (N, n_steps)
            sliding_window_view(ends, n_steps),
            gamma,
        )
        self._transitions = transitions
        self._rng = rng
        self._returns = sums.returns
        self._last = np.arange(n) + sums.last
        fell = transitions.dones[self._last]
        self._discounts = sums.discounts * ~fell
        self._outlived = transitions.ends[self._last] & ~fell

    def __len__(self) -> int:
        """Number of demonstrated steps."""
        return len(self._transitions)

    def sample(self, batch_size: int) -> NStepSamples:
        """Draw steps uniformly, with their n-step returns.

        Args:
            batch_size: Number of samples.

        Returns:
            The batch, rewards as they were demonstrated.
        """
        return self.n_step_samples(self._rng.integers(len(self), size=batch_size))

    def n_step_samples(self, steps: NDArray[np.int64]) -> NStepSamples:
        """Look up chosen steps with their n-step returns.

        Args:
            steps: Indices of the first steps, shape (batch,).

        Returns:
            The batch.
        """
        return NStepSamples(
            observations=self._transitions.obs[steps],
            actions=self._transitions.actions[steps],
            returns=self._returns[steps],
            next_observations=self._transitions.next_obs[self._last[steps]],
            discounts=self._discounts[steps],
            outlived=self._outlived[steps],
        )

    def mean_return(self, gamma: float) -> float:
        """Average the discounted return from every demonstrated step to its episode's end.

        Args:
            gamma: Discount per step.

        Returns:
            The mean; what lies beyond finishes and time limits is not in it.
        """
        rewards, ends = self._transitions.rewards, self._transitions.ends
        total, running = 0.0, 0.0
        for reward, end in zip(rewards[::-1], ends[::-1], strict=True):
            running = float(reward) + (0.0 if end else gamma * running)
            total += running
        return total / len(self)
