"""Averages of weights over the course of a training."""

from copy import deepcopy
from typing import Generic, TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


class WeightAverage(Generic[Network]):
    """Exponential average of a network's weights.

    The decay grows from 0 to its final value as (1 + n) / (10 + n) with the number n of
    updates, as in TensorFlow's ``ExponentialMovingAverage``, so that a young average does
    not stay with weights that have long been left behind. Torch's ``AveragedModel`` does
    the same in four times the time: it looks its parameters up anew for every update.

    Args:
        network: The network; it is copied.
        decay: Share of the old average that an update leaves, 0 to below 1.

    Attributes:
        network: The average.
        n_updates: Updates so far.
    """

    def __init__(self, network: Network, decay: float) -> None:
        self.network = deepcopy(network)
        self.n_updates = 0
        self._decay = decay
        self._current = [parameter.detach() for parameter in network.parameters()]
        self._average = [parameter.detach() for parameter in self.network.parameters()]

    def update(self) -> None:
        """Take the network's present weights in; the first time, they are the average."""
        n = self.n_updates
        decay = min(self._decay, (1 + n) / (10 + n)) if n else 0.0
        torch._foreach_lerp_(self._average, self._current, 1.0 - decay)
        self.n_updates += 1

    def restart(self) -> None:
        """Forget the past: the network's present weights become the average."""
        torch._foreach_copy_(self._average, self._current)
        self.n_updates = 0
