"""Networks, and the exponential average of their weights."""

import numpy as np
import pytest
import torch
from torch import nn

from qwop_wr.agents.networks import QuantileNetwork, WeightAverage
from tests.agents.conftest import make_spec


def make_network(dueling: bool) -> QuantileNetwork:
    torch.manual_seed(0)
    return QuantileNetwork(make_spec(dueling=dueling))


@pytest.mark.parametrize("dueling", [False, True])
def test_scores_are_the_means_of_the_quantiles(dueling: bool) -> None:
    network = make_network(dueling)
    observations = torch.randn(7, 4, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        quantiles, scores = network(observations), network.action_scores(observations)
    assert quantiles.shape == (7, 5, 3)
    np.testing.assert_allclose(scores.numpy(), quantiles.mean(dim=1).numpy(), atol=1e-6)


def test_in_a_dueling_head_advantages_average_to_nothing() -> None:
    network = make_network(dueling=True)
    observations = torch.randn(7, 4, generator=torch.Generator().manual_seed(1))
    assert network.value is not None
    with torch.no_grad():
        quantiles = network(observations)
        values = network.value(network.hidden(observations))
    np.testing.assert_allclose(quantiles.mean(dim=2).numpy(), values.numpy(), atol=1e-6)


@pytest.mark.parametrize("dueling", [False, True])
def test_the_level_lifts_all_returns(dueling: bool) -> None:
    network = make_network(dueling)
    observations = torch.randn(7, 4, generator=torch.Generator().manual_seed(1))
    network.set_level(50.0)
    with torch.no_grad():
        assert (network.action_scores(observations) - 50.0).abs().max() < 3.0


def _set(network: nn.Linear, value: float) -> None:
    with torch.no_grad():
        network.weight.fill_(value)


def _weight(average: WeightAverage[nn.Linear]) -> torch.Tensor:
    return average.network.weight


def test_average_follows_its_recursion() -> None:
    network = nn.Linear(1, 1, bias=False)
    _set(network, 1.0)
    average = WeightAverage(network, decay=0.5)
    expected = 1.0
    for n, value in enumerate([3.0, -2.0, 5.0, 0.0]):
        _set(network, value)
        average.update()
        # The first update copies; later ones mix.
        decay = 0.0 if n == 0 else min(0.5, (1 + n) / (10 + n))
        expected = decay * expected + (1 - decay) * value
        assert _weight(average).item() == pytest.approx(expected, rel=1e-6)


def test_no_decay_is_the_network_itself() -> None:
    network = nn.Linear(3, 2)
    average = WeightAverage(network, decay=0.0)
    for seed in range(3):
        torch.manual_seed(seed)
        nn.init.normal_(network.weight)
        average.update()
        assert torch.equal(_weight(average), network.weight)


def test_average_is_a_copy() -> None:
    network = nn.Linear(1, 1, bias=False)
    _set(network, 1.0)
    average = WeightAverage(network, decay=0.9)
    _set(network, 7.0)
    assert _weight(average).item() == 1.0


def test_a_restart_forgets() -> None:
    network = nn.Linear(1, 1, bias=False)
    average = WeightAverage(network, decay=0.9)
    for value in (1.0, 2.0, 3.0):
        _set(network, value)
        average.update()
    _set(network, 7.0)
    average.restart()
    assert _weight(average).item() == 7.0
    assert average.n_updates == 0
