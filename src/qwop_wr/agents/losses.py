"""The large-margin loss: a pure function, one value per sample."""

import torch


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
