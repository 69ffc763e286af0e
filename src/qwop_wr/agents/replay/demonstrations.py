"""Steps to imitate: permanent demonstrations, and the learner's own fastest finishes."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from qwop_wr.agents.replay.experience import joined_successors, split_successors
from qwop_wr.agents.replay.sampling import (
    Draw,
    Floats,
    Integers,
    NStepSamples,
    Sampler,
    UniformSampler,
    n_step_returns,
)
from qwop_wr.agents.transitions import Transitions, joined

_KEPT: Final = ("actions", "rewards", "dones", "episode")

REFRESH_EVERY = 100
"""Draws between two updates of the sampled runs: concatenating them is slow."""


class _NStep(NamedTuple):
    """N-step return of every step and where it bootstraps; arrays of shape (N,)."""

    returns: Floats
    last: Integers
    discounts: Floats
    truncated: NDArray[np.bool_]


class DemonstrationBuffer:
    """A permanent buffer; n-step returns are computed once per n.

    ``bonus`` is added to the errors of the steps where priorities count.
    """

    def __init__(
        self, transitions: Transitions, gamma: float, sampler: Sampler, bonus: float = 0.0
    ) -> None:
        self._transitions = transitions
        self._gamma = gamma
        self._sampler = sampler
        self._n_step: dict[int, _NStep] = {}
        sampler.add(np.arange(len(transitions)), bonus)

    def __len__(self) -> int:
        """Number of demonstrated steps."""
        return len(self._transitions)

    @property
    def sampler(self) -> Sampler:
        """The sampler of the steps."""
        return self._sampler

    def draw(self, batch_size: int, beta: float) -> Draw:
        """Draws steps; importance weights correct the share ``beta`` of the priorities' bias."""
        return self._sampler.draw(batch_size, beta)

    def update_priorities(self, steps: Integers, errors: Floats) -> None:
        """Updates the priorities of drawn steps by their absolute errors, shape (batch,)."""
        self._sampler.update(steps, errors)

    def n_step_samples(self, steps: Integers, n_steps: int) -> NStepSamples:
        """Looks up steps, shape (batch,), with their returns over up to ``n_steps``, unscaled."""
        if n_steps not in self._n_step:
            self._n_step[n_steps] = self._look_ahead(n_steps)
        ahead = self._n_step[n_steps]
        return NStepSamples(
            observations=self._transitions.obs[steps],
            actions=self._transitions.actions[steps],
            returns=ahead.returns[steps],
            next_observations=self._transitions.next_obs[ahead.last[steps]],
            discounts=ahead.discounts[steps],
            truncated=ahead.truncated[steps],
            imitated=np.ones(len(steps), dtype=np.bool_),
        )

    def _look_ahead(self, n_steps: int) -> _NStep:
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
        return _NStep(sums.returns, last, sums.discounts * ~fell, steps.ends[last] & ~fell)


def mean_return(transitions: Transitions, gamma: float) -> float:
    """Averages the discounted return from every step to its episode's end.

    Rewards after finishes and time limits are not included.
    """
    total, running = 0.0, 0.0
    for reward, end in zip(transitions.rewards[::-1], transitions.ends[::-1], strict=True):
        running = float(reward) + (0.0 if end else gamma * running)
        total += running
    return total / len(transitions)


class EliteBuffer:
    """The fastest episodes so far, sampled like demonstrations.

    Self-imitation (https://arxiv.org/abs/1806.05635) of whole runs: it preserves what works
    when the demonstrations are gone, and follows the learner as it becomes faster. Speed is
    the number of decisions, without idle ticks at the start. Of the fastest, ``capacity``
    episodes are kept.
    """

    def __init__(self, capacity: int, gamma: float, rng: np.random.Generator) -> None:
        self._capacity = capacity
        self._gamma = gamma
        self._rng = rng
        self._runs: list[Transitions] = []
        self._laid_out: list[Transitions] = []
        self._draws = 0
        self._buffer: DemonstrationBuffer | None = None

    @property
    def lengths(self) -> list[int]:
        """Numbers of decisions of the runs kept, in rising order."""
        return [len(run) for run in self._runs]

    def admits(self, length: int) -> bool:
        """Returns whether there is room for a run of this length, or it beats the slowest."""
        return len(self._runs) < self._capacity or length < len(self._runs[-1])

    def add(self, run: Transitions) -> None:
        """Keeps a finished episode, and drops the slowest if there are too many."""
        self._runs = sorted([*self._runs, run], key=len)[: self._capacity]

    def draw(self, batch_size: int, beta: float) -> Draw:
        """Draws steps uniformly, to be looked up before the next draw; all weights are 1.

        Raises:
            ValueError: If there are no runs yet.
        """
        if not self._runs:
            raise ValueError("cannot sample from an empty elite")
        buffer, stale = self._buffer, self._laid_out is not self._runs
        if buffer is None or (stale and self._draws >= REFRESH_EVERY):
            buffer, self._draws = self._lay_out(self._runs), 0
        self._draws += 1
        return buffer.draw(batch_size, beta)

    def n_step_samples(self, steps: Integers, n_steps: int) -> NStepSamples:
        """Looks up the steps drawn last with their returns over up to ``n_steps``, unscaled."""
        assert self._buffer is not None  # noqa: S101 - the draw has made it
        return self._buffer.n_step_samples(steps, n_steps)

    def update_priorities(self, steps: Integers, errors: Floats) -> None:
        """Does nothing: errors do not matter."""

    def state(self) -> dict[str, NDArray[Any]]:
        """Copies all runs; those that are still sampled but no longer kept come last."""
        if not self._runs:
            return {}
        numbers = {id(run): number for number, run in enumerate(self._runs)}
        dropped = [run for run in self._laid_out if id(run) not in numbers]
        numbers |= {id(run): len(self._runs) + place for place, run in enumerate(dropped)}
        steps = joined([*self._runs, *dropped])
        kept = {name: getattr(steps, name) for name in _KEPT}
        return {
            **kept,
            **split_successors(steps.obs, steps.next_obs),
            "laid_out": np.array([numbers[id(run)] for run in self._laid_out], dtype=np.int64),
            "counts": np.array(
                [len(self._runs), self._draws, int(self._laid_out is self._runs)], dtype=np.int64
            ),
        }

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Restores the runs."""
        self._runs, self._laid_out, self._buffer, self._draws = [], [], None, 0
        if not state:
            return
        steps = Transitions(
            **{name: state[name] for name in _KEPT},
            obs=state["observations"],
            next_obs=joined_successors(state),
        )
        runs = [steps.select(np.array([run])) for run in range(steps.n_episodes)]
        n_runs, self._draws, fresh = state["counts"].tolist()
        self._runs = runs[:n_runs]
        if len(state["laid_out"]):
            self._lay_out(self._runs if fresh else [runs[run] for run in state["laid_out"]])

    def _lay_out(self, runs: list[Transitions]) -> DemonstrationBuffer:
        self._laid_out = runs
        buffer = DemonstrationBuffer(joined(runs), self._gamma, UniformSampler(self._rng))
        self._buffer = buffer
        return buffer
