import numpy as np
import torch

from qwop_wr.agents.losses import large_margin_loss
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
