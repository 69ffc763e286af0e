"""Sampling of stored steps, uniform or by priority, and their n-step returns."""

from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from qwop_wr.agents.schedules import Schedule
from qwop_wr.options import Options

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


class PriorityOptions(Options):
    """Prioritised replay (https://arxiv.org/abs/1511.05952), with DQfD's values as defaults."""

    alpha: float = Field(default=0.4, ge=0, le=1)
    """Exponent of the priorities; 0 draws uniformly."""
    beta: Schedule = Schedule.linear(0.6, 1.0)
    """Share of the bias that importance weights correct, 0 to 1."""
    agent_bonus: float = Field(default=0.001, gt=0, allow_inf_nan=False)
    """Added to the error of an own step."""
    demonstration_bonus: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """Added to the error of a demonstrated step."""
    importance: Literal["per_sample", "mean"] = "per_sample"
    """Multiply each sample's loss by its weight; or the mean loss by the mean weight, which
    corrects nothing and is what a circulating implementation does (for comparison only)."""


class Draw(NamedTuple):
    """Indices of drawn steps, and importance weights of which the largest is 1, each (batch,)."""

    steps: Integers
    weights: Floats


class Sampler(Protocol):
    """Draws stored steps."""

    def add(self, steps: Integers, bonuses: Floats | float) -> None:
        """Registers stored steps, with the bonuses to add to their errors."""

    def draw(self, batch_size: int, beta: float) -> Draw:
        """Draws steps; importance weights correct the share ``beta`` of the priorities' bias."""

    def update(self, steps: Integers, errors: Floats) -> None:
        """Updates the priorities of drawn steps by their absolute errors, shape (n,)."""

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Copies the state of the sampler, by name."""

    def restore(self, state: dict[str, NDArray[np.float64]]) -> None:
        """Restores the state of another sampler."""


class UniformSampler:
    """Draws steps uniformly."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._n_steps = 0

    def add(self, steps: Integers, bonuses: Floats | float) -> None:
        """Registers stored steps, which fill the indices from 0 on."""
        self._n_steps = max(self._n_steps, int(steps.max()) + 1)

    def draw(self, batch_size: int, beta: float) -> Draw:
        """Draws steps with replacement; all weights are 1."""
        steps = self._rng.integers(self._n_steps, size=batch_size)
        return Draw(steps, np.ones(batch_size, dtype=np.float32))

    def update(self, steps: Integers, errors: Floats) -> None:
        """Does nothing: errors do not matter."""

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Copies the number of steps."""
        return {"n_steps": np.array([self._n_steps], dtype=np.float64)}

    def restore(self, state: dict[str, NDArray[np.float64]]) -> None:
        """Restores the number of steps."""
        self._n_steps = int(state["n_steps"][0])


class PrioritisedSampler:
    """Draws steps by their latest errors, new steps by the largest error so far.

    The priority is (|error| + bonus) ** alpha, a weight (n P(step)) ** -beta divided by
    the largest of the batch. Draws are stratified: one from each of ``batch_size``
    equal shares of the sum of the priorities. ``capacity`` is the largest number of steps.
    """

    def __init__(self, capacity: int, alpha: float, rng: np.random.Generator) -> None:
        self._alpha = alpha
        self._rng = rng
        self._tree = SumTree(capacity)
        self._bonuses = np.zeros(capacity, dtype=np.float32)
        self._n_steps = 0
        self._largest_error = 1.0
        self._fresh: list[Integers] = []

    def add(self, steps: Integers, bonuses: Floats | float) -> None:
        """Registers stored steps, with the bonuses to add to their errors."""
        self._bonuses[steps] = bonuses
        self._n_steps = max(self._n_steps, int(steps.max()) + 1)
        # The tree takes many at once nearly as fast as one.
        self._fresh.append(steps)

    def draw(self, batch_size: int, beta: float) -> Draw:
        """Draws steps, possibly repeated, in proportion to their priorities."""
        self._enter_fresh()
        strata = (np.arange(batch_size) + self._rng.random(batch_size)) / batch_size
        steps = self._tree.find(strata * self._tree.total)
        chances = self._tree[steps] * (self._n_steps / self._tree.total)
        weights = chances**-beta
        return Draw(steps, (weights / weights.max()).astype(np.float32))

    def update(self, steps: Integers, errors: Floats) -> None:
        """Updates the priorities of drawn steps by their absolute errors, shape (n,)."""
        self._enter_fresh()
        self._largest_error = max(self._largest_error, float(errors.max()))
        self._tree.set(steps, (errors.astype(np.float64) + self._bonuses[steps]) ** self._alpha)

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Copies the priorities."""
        self._enter_fresh()
        return {
            "n_steps": np.array([self._n_steps], dtype=np.float64),
            "largest_error": np.array([self._largest_error]),
            "priorities": self._tree.values[: self._n_steps],
            "bonuses": self._bonuses[: self._n_steps].astype(np.float64),
        }

    def restore(self, state: dict[str, NDArray[np.float64]]) -> None:
        """Restores the priorities."""
        self._fresh.clear()
        self._n_steps = int(state["n_steps"][0])
        self._largest_error = float(state["largest_error"][0])
        self._bonuses[: self._n_steps] = state["bonuses"]
        self._tree.set(np.arange(self._n_steps), state["priorities"])

    def check_valid(self) -> None:
        """Checks that exactly the stored steps can be drawn.

        Raises:
            ValueError: If the tree is wrong or a step has no priority.
        """
        self._enter_fresh()
        self._tree.check_valid()
        values = self._tree.values
        if not (values[: self._n_steps] > 0).all() or values[self._n_steps :].any():
            raise ValueError("prioritised sampler: priorities and stored steps differ")

    def _enter_fresh(self) -> None:
        if self._fresh:
            steps = np.concatenate(self._fresh)
            self._fresh.clear()
            errors = self._largest_error + self._bonuses[steps].astype(np.float64)
            self._tree.set(steps, errors**self._alpha)


def make_sampler(
    priorities: PriorityOptions | None, capacity: int, rng: np.random.Generator
) -> Sampler:
    """Makes a sampler for up to ``capacity`` steps; uniform without priorities."""
    if priorities is None:
        return UniformSampler(rng)
    return PrioritisedSampler(capacity, priorities.alpha, rng)


Doubles = NDArray[np.float64]


class SumTree:
    """Non-negative numbers with the sums of all aligned blocks of 2, 4, 8 and so on.

    Every operation takes many entries at once and costs O(log capacity) array
    operations. A parent is never adjusted by a difference but recomputed from its
    two children, so that rounding errors do not grow. All ``capacity`` entries begin at 0.
    """

    def __init__(self, capacity: int) -> None:
        self._depth = max(capacity - 1, 0).bit_length()
        self._first_leaf = 1 << self._depth
        self._capacity = capacity
        # Node 1 is the root, 2i and 2i + 1 are the children of i.
        self._nodes = np.zeros(2 * self._first_leaf)

    @property
    def total(self) -> float:
        """Sum of all entries."""
        return float(self._nodes[1])

    @property
    def values(self) -> Doubles:
        """All entries, shape (capacity,); a copy."""
        return self._nodes[self._first_leaf : self._first_leaf + self._capacity].copy()

    def __getitem__(self, indices: Integers) -> Doubles:
        """Reads entries."""
        return self._nodes[self._first_leaf + indices]

    def set(self, indices: Integers, values: Doubles) -> None:
        """Replaces entries; of an index that occurs twice, the last value stays.

        Raises:
            ValueError: If an index is out of range, or a value negative or not finite.
        """
        if len(indices) == 0:
            return
        if indices.min() < 0 or indices.max() >= self._capacity:
            raise ValueError(f"an index is not within 0 to {self._capacity - 1}")
        if not (np.isfinite(values).all() and (values >= 0).all()):
            raise ValueError("priorities must be finite and not negative")
        nodes = self._nodes
        changed = self._first_leaf + indices
        nodes[changed] = values
        for _ in range(self._depth):
            changed >>= 1
            left = changed << 1
            nodes[changed] = nodes[left] + nodes[left + 1]

    def find(self, masses: Doubles) -> Integers:
        """Finds the entries, all above 0, in which running sums reach masses below ``total``."""
        nodes = self._nodes
        at = np.ones(len(masses), dtype=np.int64)
        rest = masses.copy()
        for _ in range(self._depth):
            at <<= 1
            left = nodes[at]
            # Rounding may leave a mass past the last entry; never go where there is nothing.
            goes_right = (rest >= left) & (nodes[at + 1] > 0)
            rest -= left * goes_right
            at += goes_right
        return at - self._first_leaf

    def check_valid(self) -> None:
        """Checks that every node is the sum of its children.

        Raises:
            ValueError: If one is not, or an entry is negative or not finite.
        """
        if not (np.isfinite(self._nodes).all() and (self._nodes >= 0).all()):
            raise ValueError("sum tree: an entry is negative or not finite")
        children = self._nodes[2:].reshape(-1, 2)
        if not np.array_equal(self._nodes[1 : self._first_leaf], children.sum(axis=1)):
            raise ValueError("sum tree: a parent is not the sum of its children")
        if self._nodes[self._first_leaf + self._capacity :].any():
            raise ValueError("sum tree: an entry past its end is not 0")


class NStepSamples(NamedTuple):
    """A batch of n-step transitions: R = r_0 + g r_1 + ... and where it bootstraps.

    Attributes:
        observations: First observations, shape (batch, d).
        actions: First actions, shape (batch,).
        returns: Discounted sum of up to n rewards, shape (batch,).
        next_observations: Observations after the last reward, shape (batch, d).
        discounts: Weight of the value there: gamma ** steps, and 0 after a fall,
            shape (batch,).
        truncated: Whether the episode ended with the last reward, by a finish or a time
            limit, shape (batch,).
        imitated: Whether the step is demonstrated or part of an elite run, shape (batch,).
    """

    observations: Floats
    actions: Integers
    returns: Floats
    next_observations: Floats
    discounts: Floats
    truncated: NDArray[np.bool_]
    imitated: NDArray[np.bool_]


class NStepReturns(NamedTuple):
    """Returns of windows, all of shape (batch,).

    Attributes:
        returns: Discounted sums of the rewards.
        last: Index in the window of the last step that counts.
        discounts: gamma to the power of the number of steps.
    """

    returns: Floats
    last: Integers
    discounts: Floats


def n_step_returns(rewards: Floats, ends: NDArray[np.bool_], gamma: float) -> NStepReturns:
    """Sums the discounted rewards of windows, each up to its first end.

    Args:
        rewards: Rewards of consecutive steps, shape (batch, n).
        ends: Whether a window must stop after that step: the episode ends there or
            no newer step is stored, shape (batch, n).
        gamma: Discount per step.
    """
    n = rewards.shape[1]
    stops = ends.copy()
    stops[:, -1] = True
    last = stops.argmax(axis=1)  # (batch,)
    powers = gamma ** np.arange(n + 1)  # (n + 1,)
    counted = np.arange(n) <= last[:, None]  # (batch, n)
    returns = (rewards * counted) @ powers[:n]
    return NStepReturns(returns.astype(np.float32), last, powers[last + 1].astype(np.float32))
