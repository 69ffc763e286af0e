import numpy as np
import pytest
import torch

from qwop_wr.agents.networks import QuantileNetwork
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
