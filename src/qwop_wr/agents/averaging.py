"""Averages of weights over the course of a training."""

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel


def average_weights(network: nn.Module, decay: float) -> AveragedModel:
    """Begin an exponential average of a network's weights.

    The decay grows from 0.1 to its final value as (1 + n) / (10 + n) with the number
    n of updates, as in TensorFlow's ``ExponentialMovingAverage``, so that a young
    average does not stay with weights that have long been left behind.

    Args:
        network: The network; it is copied.
        decay: Share of the old average that an update leaves, 0 to below 1.

    Returns:
        The average; give ``update_parameters`` the network after every gradient step.
    """

    @torch.no_grad()
    def update(
        average: torch.Tensor, current: torch.Tensor, n_updates: torch.Tensor | int
    ) -> torch.Tensor:
        n = int(n_updates)
        return average.lerp(current, 1.0 - min(decay, (1 + n) / (10 + n)))

    return AveragedModel(network, avg_fn=update)
