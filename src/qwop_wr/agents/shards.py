"""A batch computed in two shards side by side, with equal results on any number of cores."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from qwop_wr.compute import usable_cores

N_SHARDS: Final = 2
N_AT_ONCE: Final = 8192
"""Samples evaluated in one call."""
MAX_GRAD_NORM: Final = 1.0
"""Largest norm of a gradient that ``descend`` follows."""

ResultT = TypeVar("ResultT")


class Shards:
    """Splits batches into two shards and computes them in threads, if there are two cores.

    The shards are the same on every machine and their gradients are added in order. Torch's
    own threads would split sums by their number, so that results depended on it. On a GPU
    batches stay whole.

    Args:
        parameters: Parameters that gradients are computed for.
    """

    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        self._parameters = list(parameters)
        self._n = 1 if self._parameters[0].is_cuda else N_SHARDS
        n_threads = min(usable_cores(), self._n)
        self._pool = ThreadPoolExecutor(n_threads, "shard") if n_threads > 1 else None

    def __reduce__(self) -> tuple[type["Shards"], tuple[list[nn.Parameter]]]:
        """Copies and pickles have threads of their own: SB3 pickles its learners."""
        return Shards, (self._parameters,)

    def map(self, function: Callable[[slice], ResultT], n: int) -> list[ResultT]:
        """Applies a function to every shard of ``n`` samples."""
        shards = [slice(n * i // self._n, n * (i + 1) // self._n) for i in range(self._n)]
        if self._pool is None:
            return [function(shard) for shard in shards]
        return list(self._pool.map(function, shards))

    def evaluate(self, function: Callable[[slice], torch.Tensor], n: int) -> torch.Tensor:
        """Concatenates what a function computes of ``n`` samples, a few at a time, no gradients.

        Args:
            function: Gets the place of some samples, none at the least.
        """

        # Grad mode is a thread's own.
        @torch.no_grad()
        def compute(shard: slice) -> torch.Tensor:
            firsts = range(shard.start, max(shard.stop, shard.start + 1), N_AT_ONCE)
            parts = [slice(first, min(first + N_AT_ONCE, shard.stop)) for first in firsts]
            return torch.cat([function(part) for part in parts])

        return torch.cat(self.map(compute, n))

    def backward(
        self, loss_of: Callable[[slice], tuple[torch.Tensor, ResultT]], n: int
    ) -> list[ResultT]:
        """Sets the parameters' gradients to those of the sum of the shards' losses.

        Args:
            loss_of: Computes a shard's share of the loss, and whatever else is wanted.
            n: Samples in the batch.

        Returns:
            The second results of ``loss_of``.
        """

        def compute(shard: slice) -> tuple[tuple[torch.Tensor, ...], ResultT]:
            # Grad mode is a thread's own.
            with torch.enable_grad():
                loss, result = loss_of(shard)
                gradients = torch.autograd.grad(loss, self._parameters, allow_unused=True)
            return gradients, result

        (gradients, first), *others = self.map(compute, n)
        for more, _ in others:
            for gradient, addend in zip(gradients, more, strict=True):
                if gradient is not None:
                    gradient.add_(addend)
        for parameter, gradient in zip(self._parameters, gradients, strict=True):
            parameter.grad = gradient
        return [first, *(result for _, result in others)]

    def descend(
        self,
        loss_of: Callable[[NDArray[np.int64]], torch.Tensor],
        batches: Sequence[NDArray[np.int64]],
        optimiser: torch.optim.Optimizer,
    ) -> float:
        """Makes a gradient step on the mean loss of every batch; returns the mean over all.

        Args:
            loss_of: Computes the summed loss of samples, given by their indices.
            batches: Indices of the samples of every batch.
        """
        losses = []
        for batch in batches:

            def compute(
                shard: slice, batch: NDArray[np.int64] = batch
            ) -> tuple[torch.Tensor, float]:
                loss = loss_of(batch[shard]) / len(batch)
                return loss, loss.item()

            losses.append(sum(self.backward(compute, len(batch))))
            nn.utils.clip_grad_norm_(self._parameters, MAX_GRAD_NORM)
            optimiser.step()
        return float(np.mean(losses))


def shuffled_batches(n: int, batch_size: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Splits the indices of ``n`` samples at random into batches of about one size."""
    return np.array_split(rng.permutation(n), max(1, n // batch_size))
