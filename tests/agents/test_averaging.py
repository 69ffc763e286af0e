"""The exponential average of weights."""

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from qwop_wr.agents.averaging import average_weights


def _set(network: nn.Linear, value: float) -> None:
    with torch.no_grad():
        network.weight.fill_(value)


def _weight(average: AveragedModel) -> torch.Tensor:
    return average.module.get_parameter("weight")


def test_average_follows_its_recursion() -> None:
    network = nn.Linear(1, 1, bias=False)
    _set(network, 1.0)
    average = average_weights(network, decay=0.5)
    expected = 1.0
    for n, value in enumerate([3.0, -2.0, 5.0, 0.0]):
        _set(network, value)
        average.update_parameters(network)
        # The first update copies; later ones mix.
        decay = 0.0 if n == 0 else min(0.5, (1 + n) / (10 + n))
        expected = decay * expected + (1 - decay) * value
        assert _weight(average).item() == pytest.approx(expected, rel=1e-6)


def test_no_decay_is_the_network_itself() -> None:
    network = nn.Linear(3, 2)
    average = average_weights(network, decay=0.0)
    for seed in range(3):
        torch.manual_seed(seed)
        nn.init.normal_(network.weight)
        average.update_parameters(network)
        assert torch.equal(_weight(average), network.weight)


def test_average_is_a_copy() -> None:
    network = nn.Linear(1, 1, bias=False)
    _set(network, 1.0)
    average = average_weights(network, decay=0.9)
    _set(network, 7.0)
    assert _weight(average).item() == 1.0
