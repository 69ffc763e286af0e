"""Batches for one gradient step, mixed from several buffers."""

from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from qwop_wr.agents.replay.demonstrations import DemonstrationBuffer, EliteBuffer
from qwop_wr.agents.replay.experience import ExperienceBuffer
from qwop_wr.agents.replay.sampling import Draw, Floats, Integers, NStepSamples


class NStepTransitions(NamedTuple):
    """N-step returns R = r_0 + g r_1 + ... and where they bootstrap.

    Attributes:
        returns: Sums of discounted, scaled rewards, shape (batch,).
        next_observations: Shape (batch, d).
        discounts: Weights of the values there, 0 after a fall, shape (batch,).
        truncated: Whether the episode ended there without a fall, shape (batch,).
    """

    returns: torch.Tensor
    next_observations: torch.Tensor
    discounts: torch.Tensor
    truncated: torch.Tensor


class Batch(NamedTuple):
    """Samples as tensors; own experience first, then steps to be imitated.

    Attributes:
        observations: Shape (batch, d).
        actions: Shape (batch,).
        n_step: One per horizon: n steps, and one step if that is learnt from too.
        imitated: 1 for demonstrations and elite runs, else 0, shape (batch,).
        weights: Importance weights, shape (batch,).
    """

    observations: torch.Tensor
    actions: torch.Tensor
    n_step: tuple[NStepTransitions, ...]
    imitated: torch.Tensor
    weights: torch.Tensor

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Copies the batch as NumPy arrays by name; those of a horizon end in its number."""
        tensors = {name: getattr(self, name) for name in self._fields if name != "n_step"}
        for number, step in enumerate(self.n_step):
            tensors |= {f"{name}_{number}": tensor for name, tensor in step._asdict().items()}
        return {name: tensor.cpu().numpy().copy() for name, tensor in tensors.items()}


class Shares(NamedTuple):
    """Shares of demonstrations and own fastest finishes; the rest is own experience."""

    demonstrations: float = 0.0
    elite: float = 0.0


class Source(Protocol):
    """A buffer that steps can be drawn from."""

    def draw(self, batch_size: int, beta: float) -> Draw:
        """Draws steps with importance weights."""

    def n_step_samples(self, steps: Integers, n_steps: int) -> NStepSamples:
        """Looks up steps with their n-step returns."""

    def update_priorities(self, steps: Integers, errors: Floats) -> None:
        """Updates the priorities of drawn steps by their errors."""


class _Part(NamedTuple):
    source: Source
    draw: Draw


class BatchMixer:
    """Draws batches from all buffers, and updates the priorities in each.

    Args:
        demonstrations: Demonstrated steps, if they have a buffer of their own.
        elite: Own fastest finishes.
        horizons: Numbers of steps that returns are summed over.
        reward_scale: Factor on rewards.
    """

    def __init__(
        self,
        experience: ExperienceBuffer,
        demonstrations: DemonstrationBuffer | None,
        elite: EliteBuffer,
        horizons: tuple[int, ...],
        reward_scale: float,
        device: torch.device,
    ) -> None:
        self._experience = experience
        self._demonstrations = demonstrations
        self._elite = elite
        self._horizons = horizons
        self._reward_scale = np.float32(reward_scale)
        self._device = device
        self._parts: list[_Part] = []

    def draw(self, batch_size: int, shares: Shares, beta: float) -> Batch:
        """Draws a batch; an empty source leaves its share to own experience.

        Importance weights correct the share ``beta`` of the priorities' bias.
        """
        wanted: list[tuple[Source, int]] = []
        if self._demonstrations is not None:
            wanted.append((self._demonstrations, round(shares.demonstrations * batch_size)))
        if self._elite.lengths:
            wanted.append((self._elite, round(shares.elite * batch_size)))
        own = batch_size - sum(n for _, n in wanted)
        wanted.insert(0, (self._experience, own))
        self._parts = [_Part(source, source.draw(n, beta)) for source, n in wanted if n]
        by_horizon = [
            _concatenated([part.source.n_step_samples(part.draw.steps, n) for part in self._parts])
            for n in self._horizons
        ]
        samples = by_horizon[0]
        return Batch(
            observations=self._tensor(samples.observations),
            actions=self._tensor(samples.actions),
            n_step=tuple(self._transitions(samples) for samples in by_horizon),
            imitated=self._tensor(samples.imitated.astype(np.float32)),
            weights=self._tensor(np.concatenate([part.draw.weights for part in self._parts])),
        )

    def update_priorities(self, errors: torch.Tensor) -> None:
        """Updates the priorities of the latest batch by its absolute errors, shape (batch,)."""
        array, first = errors.cpu().numpy(), 0
        for source, draw in self._parts:
            source.update_priorities(draw.steps, array[first : first + len(draw.steps)])
            first += len(draw.steps)

    def _transitions(self, samples: NStepSamples) -> NStepTransitions:
        return NStepTransitions(
            returns=self._tensor(samples.returns * self._reward_scale),
            next_observations=self._tensor(samples.next_observations),
            discounts=self._tensor(samples.discounts),
            truncated=self._tensor(samples.truncated),
        )

    def _tensor(self, array: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(array).to(self._device)


def _concatenated(parts: list[NStepSamples]) -> NStepSamples:
    if len(parts) == 1:
        return parts[0]
    return NStepSamples(*map(np.concatenate, zip(*parts, strict=True)))
