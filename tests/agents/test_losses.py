"""Losses against formulas, autograd and hand computation."""

import numpy as np
import pytest
import torch
from sb3_contrib.common.utils import quantile_huber_loss as contrib_loss

from qwop_wr.agents import losses
from qwop_wr.agents.losses import (
    SORTED_FROM,
    double_q_values,
    large_margin_loss,
    pairwise_loss,
    quantile_huber_loss,
    sorted_loss,
)
from tests.agents.conftest import draw


def test_margin_loss_of_cases_worked_by_hand() -> None:
    q_values = torch.tensor([[1.0, 2.0, 0.0], [5.0, 1.0, 1.0], [1.0, 0.5, 0.0]])
    actions = torch.tensor([0, 0, 0])
    losses = large_margin_loss(q_values, actions, margin=0.8)
    np.testing.assert_allclose(losses.numpy(), [2.8 - 1.0, 0.0, 0.5 + 0.8 - 1.0], rtol=1e-6)


def test_margin_loss_pushes_the_rival_down_and_the_demonstrated_up() -> None:
    q_values = torch.tensor([[1.0, 2.0, 0.0]], requires_grad=True)
    large_margin_loss(q_values, torch.tensor([0]), 0.8).sum().backward()  # type: ignore[no-untyped-call]
    assert q_values.grad is not None
    assert q_values.grad.tolist() == [[-1.0, 1.0, 0.0]]


def test_margin_loss_has_the_gradient_of_its_values() -> None:
    q_values = draw(6, 4).requires_grad_()
    actions = torch.tensor([0, 1, 2, 3, 0, 1])
    assert torch.autograd.gradcheck(lambda q: large_margin_loss(q, actions, 0.8), (q_values,))


def naive_quantile_loss(quantiles: np.ndarray, targets: np.ndarray, kappa: float) -> float:
    total = 0.0
    for i, estimate in enumerate(quantiles):
        midpoint = (i + 0.5) / len(quantiles)
        for target in targets:
            error = target - estimate
            small = abs(error) <= kappa
            huber = error**2 / 2 if small else kappa * (abs(error) - kappa / 2)
            total += abs(midpoint - (error < 0)) * huber / kappa
    return total / (len(quantiles) * len(targets))


@pytest.mark.parametrize("kappa", [0.5, 1.0, 3.0])
def test_quantile_loss_equals_its_definition(kappa: float) -> None:
    quantiles, targets = draw(6, 4), draw(6, 7, seed=1)
    losses = quantile_huber_loss(quantiles, targets, kappa)
    expected = [
        naive_quantile_loss(q, t, kappa)
        for q, t in zip(quantiles.numpy(), targets.numpy(), strict=True)
    ]
    np.testing.assert_allclose(losses.numpy(), expected, rtol=1e-12)


def test_quantile_loss_of_a_case_worked_by_hand() -> None:
    # Midpoints 1/4, 3/4; errors 0.5 and -2: 0.25 * 0.125 and 0.25 * 1.5, averaged.
    quantiles, targets = torch.tensor([[0.0, 2.5]]), torch.tensor([[0.5]])
    assert quantile_huber_loss(quantiles, targets).item() == pytest.approx(
        (0.25 * 0.125 + 0.25 * 1.5) / 2
    )


def test_quantile_loss_and_gradient_agree_with_sb3_contrib() -> None:
    ours = draw(5, 8).requires_grad_()
    theirs = ours.detach().clone().requires_grad_()
    targets = draw(5, 8, seed=1)
    loss = quantile_huber_loss(ours, targets).mean()
    expected = contrib_loss(theirs, targets, sum_over_quantiles=False)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    loss.backward()  # type: ignore[no-untyped-call]
    expected.backward()  # type: ignore[no-untyped-call]
    assert ours.grad is not None
    assert theirs.grad is not None
    np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=1e-6)


def test_quantile_loss_has_the_gradient_of_its_values() -> None:
    quantiles, targets = draw(3, 4).requires_grad_(), draw(3, 5, seed=1)
    assert torch.autograd.gradcheck(lambda q: quantile_huber_loss(q, targets), (quantiles,))


def test_quantiles_of_a_sample_minimise_the_loss() -> None:
    targets = torch.linspace(0.0, 1.0, 1001, dtype=torch.float64)[None]
    at = quantile_huber_loss(torch.tensor([[0.25, 0.75]], dtype=torch.float64), targets, 1e-3)
    for moved in ([[0.2, 0.75]], [[0.3, 0.75]], [[0.25, 0.7]], [[0.25, 0.8]]):
        other = quantile_huber_loss(torch.tensor(moved, dtype=torch.float64), targets, 1e-3)
        assert other.item() > at.item()


@pytest.mark.parametrize("kappa", [0.3, 1.0, 3.0])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
@pytest.mark.parametrize("shape", [(40, 33), (3, 50), (50, 3), (1, 1)])
def test_the_sorted_form_equals_the_pairwise_one(
    shape: tuple[int, int], dtype: torch.dtype, tolerance: float, kappa: float
) -> None:
    n, m = shape
    # Values far from 0 and close together are the hard case for prefix sums.
    targets = (100.0 + draw(16, m, seed=1)).to(dtype)
    upstream = draw(16, seed=2).to(dtype)
    results = []
    for form in (pairwise_loss, sorted_loss):
        quantiles = (100.0 + draw(16, n)).to(dtype).requires_grad_()
        losses = form(quantiles, targets, kappa)
        (gradient,) = torch.autograd.grad((losses * upstream).sum(), quantiles)
        assert losses.dtype == gradient.dtype == dtype
        results.append((losses.detach().numpy(), gradient.numpy()))
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * 0.1)


def test_the_sorted_form_survives_ties() -> None:
    quantiles = torch.tensor([[1.0, 2.0, 2.0, 3.0]], dtype=torch.float64, requires_grad=True)
    targets = torch.tensor([[1.0, 1.0, 2.0, 3.0, 4.0]], dtype=torch.float64)
    pairwise, by_sorting = (
        pairwise_loss(quantiles, targets, 1.0),
        sorted_loss(quantiles, targets, 1.0),
    )
    assert by_sorting.item() == pytest.approx(pairwise.item(), rel=1e-12)
    (expected,) = torch.autograd.grad(pairwise.sum(), quantiles)
    (gradient,) = torch.autograd.grad(by_sorting.sum(), quantiles)
    np.testing.assert_allclose(gradient.numpy(), expected.numpy(), rtol=1e-12)


def test_the_sorted_form_has_the_gradient_of_its_values() -> None:
    quantiles, targets = draw(3, 4).requires_grad_(), draw(3, 5, seed=1)
    assert torch.autograd.gradcheck(lambda q: sorted_loss(q, targets, 0.7), (quantiles,))


@pytest.mark.parametrize("n", [SORTED_FROM - 1, SORTED_FROM])
def test_the_form_is_chosen_by_size(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[str] = []
    for name in ("pairwise_loss", "sorted_loss"):
        form = getattr(losses, name)

        def spy(*args: torch.Tensor, name: str = name, form: object = form) -> torch.Tensor:
            used.append(name)
            return form(*args)  # type: ignore[operator, no-any-return]

        monkeypatch.setattr(losses, name, spy)
    quantile_huber_loss(draw(2, n), draw(2, n, seed=1))
    assert used == ["sorted_loss" if n == SORTED_FROM else "pairwise_loss"]


def test_the_online_choice_is_valued_by_the_target_network() -> None:
    selector = torch.tensor([[0.0, 1.0], [3.0, 1.0]])
    quantiles = torch.tensor([[[9.0, 1.0], [9.0, 2.0]], [[4.0, 8.0], [6.0, 8.0]]])
    assert double_q_values(selector, quantiles).tolist() == [[1.0, 2.0], [4.0, 6.0]]
