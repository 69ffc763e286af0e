"""Losses of the value learner: pure functions, one value per sample."""

import torch
from torch.nn import functional


def quantile_huber_loss(
    quantiles: torch.Tensor, targets: torch.Tensor, kappa: float = 1.0
) -> torch.Tensor:
    """Quantile regression with a Huber loss (https://arxiv.org/abs/1710.10044, eq. 10).

    Averaged over the quantiles where the paper sums, so that its size beside
    other losses does not depend on their number.

    Args:
        quantiles: Estimates at the midpoints (i + 1/2) / N, shape (batch, N).
        targets: Samples of the target distribution, shape (batch, M).
        kappa: Error up to which the loss is quadratic.

    Returns:
        Losses, shape (batch,).
    """
    n = quantiles.shape[1]
    midpoints = (torch.arange(n, device=quantiles.device, dtype=quantiles.dtype) + 0.5) / n  # (N,)
    errors = targets[:, None, :] - quantiles[:, :, None]  # (batch, N, M)
    huber = functional.huber_loss(
        quantiles[:, :, None].expand_as(errors),
        targets[:, None, :].expand_as(errors),
        reduction="none",
        delta=kappa,
    )
    weights = (midpoints[:, None] - (errors.detach() < 0).to(quantiles.dtype)).abs()
    return (weights * huber / kappa).mean(dim=(1, 2))


def large_margin_loss(q_values: torch.Tensor, actions: torch.Tensor, margin: float) -> torch.Tensor:
    """Push every other action a margin below the demonstrated one.

    max_a [Q(s, a) + margin * 1(a != a_E)] - Q(s, a_E) (https://arxiv.org/abs/1704.03732, eq. 3).

    Args:
        q_values: Expected returns, shape (batch, n_actions).
        actions: Demonstrated actions a_E, shape (batch,).
        margin: Distance wanted, in scaled rewards.

    Returns:
        Losses, 0 where the margin is kept, shape (batch,).
    """
    chosen = actions[:, None]  # (batch, 1)
    rivals = (q_values + margin).scatter(1, chosen, q_values.gather(1, chosen))
    return rivals.amax(dim=1) - q_values.gather(1, chosen).squeeze(1)


def double_q_values(selector_q: torch.Tensor, target_quantiles: torch.Tensor) -> torch.Tensor:
    """Values of states whose action is chosen by one network and valued by the other.

    Double Q-learning (https://arxiv.org/abs/1509.06461) on quantiles.

    Args:
        selector_q: The online network's expected returns in the next states,
            shape (batch, n_actions).
        target_quantiles: The target network's quantiles there,
            shape (batch, N, n_actions).

    Returns:
        Quantiles of the values, shape (batch, N).
    """
    actions = selector_q.argmax(dim=1)  # (batch,)
    index = actions[:, None, None].expand(-1, target_quantiles.shape[1], 1)
    return target_quantiles.gather(2, index).squeeze(2)  # (batch, N)
