"""Batches in shards: the gradient of the whole, and the same bits on one core and on two."""

import numpy as np
import pytest
import torch

from qwop_wr.agents import shards
from qwop_wr.agents.networks import build_network
from qwop_wr.agents.shards import Shards
from tests.agents.conftest import draw, make_spec


def gradients(
    n_cores: int, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[torch.Tensor], list[int]]:
    """Gradients of a sum of squares in shards, and the shards' sizes."""
    monkeypatch.setattr(shards, "usable_cores", lambda: n_cores)
    torch.manual_seed(1)
    spec = make_spec()
    network, observations = build_network(spec), draw(101, spec.n_observations).float()

    def loss_of(shard: slice) -> tuple[torch.Tensor, int]:
        part = observations[shard]
        return network.action_scores(part).square().sum(), len(part)

    # Grad mode is a thread's own: the caller's does not matter.
    with torch.no_grad():
        sizes = Shards(network.parameters()).backward(loss_of, len(observations))
    sharded = [parameter.grad for parameter in network.parameters()]
    network.zero_grad()
    network.action_scores(observations).square().sum().backward()  # type: ignore[no-untyped-call]
    for one, parameter in zip(sharded, network.parameters(), strict=True):
        torch.testing.assert_close(one, parameter.grad)
    return [one for one in sharded if one is not None], sizes


def test_the_shards_gradients_add_up_to_the_batchs(monkeypatch: pytest.MonkeyPatch) -> None:
    one, sizes = gradients(1, monkeypatch)
    two, _ = gradients(2, monkeypatch)
    many, _ = gradients(64, monkeypatch)
    assert sizes == [50, 51]
    for first, *others in zip(one, two, many, strict=True):
        for other in others:
            np.testing.assert_array_equal(first.numpy(), other.numpy())


def test_results_are_in_the_samples_order(monkeypatch: pytest.MonkeyPatch) -> None:
    for n_cores in (1, 2):
        monkeypatch.setattr(shards, "usable_cores", lambda n=n_cores: n)
        parts = Shards(torch.nn.Linear(1, 1).parameters()).map(lambda part: range(9)[part], 9)
        assert [number for part in parts for number in part] == list(range(9))


def test_a_parameter_that_the_loss_does_not_use_has_no_gradient() -> None:
    used, unused = torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(2))
    Shards([used, unused]).backward(lambda part: (used[part].sum(), None), 2)
    assert used.grad is not None
    assert used.grad.tolist() == [1.0, 1.0]
    assert unused.grad is None


@pytest.mark.parametrize("n", [0, 1, 2, 9])
def test_evaluations_a_few_at_a_time_are_those_of_all(
    n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "N_AT_ONCE", 2)
    layer, inputs, sizes = torch.nn.Linear(3, 1), torch.arange(27.0).reshape(9, 3)[:n], list[int]()

    def evaluated(part: slice) -> torch.Tensor:
        sizes.append(len(inputs[part]))
        return layer(inputs[part])  # type: ignore[no-any-return]

    found = Shards(layer.parameters()).evaluate(evaluated, n)
    torch.testing.assert_close(found, layer(inputs).detach())
    assert not found.requires_grad
    assert (sum(sizes), max(sizes)) == (n, min(n, 2) if n != 2 else 1)
