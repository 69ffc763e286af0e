"""Values that the learner's targets are made of: pure functions, one row per sample."""

import torch
from torch.nn import functional


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


def soft_values(target_quantiles: torch.Tensor, temperature: float) -> torch.Tensor:
    """Values of states in which actions are drawn from the softmax of their returns.

    sum_a pi(a) (Z(a) - temperature * log pi(a)), the soft value of Munchausen-IQN
    (https://arxiv.org/abs/2007.14430, eq. 3).

    Args:
        target_quantiles: The target network's quantiles, shape (batch, N, n_actions).
        temperature: Of the softmax, in scaled rewards.

    Returns:
        Quantiles of the values, shape (batch, N).
    """
    log_policy = _log_policy(target_quantiles.mean(dim=1), temperature)  # (batch, n_actions)
    policy = log_policy.exp()
    entropy = -(policy * log_policy).sum(dim=1)  # (batch,)
    mixed = (target_quantiles * policy[:, None, :]).sum(dim=2)  # (batch, N)
    return mixed + temperature * entropy[:, None]


def munchausen_bonus(
    q_values: torch.Tensor, actions: torch.Tensor, temperature: float, floor: float
) -> torch.Tensor:
    """Log-probability of the actions taken, which Munchausen learning adds to their rewards.

    Args:
        q_values: The target network's expected returns, shape (batch, n_actions).
        actions: Actions taken, shape (batch,).
        temperature: Of the softmax, in scaled rewards.
        floor: Least bonus, below 0.

    Returns:
        temperature * log pi(a), from ``floor`` to 0, shape (batch,).
    """
    chosen = _log_policy(q_values, temperature).gather(1, actions[:, None]).squeeze(1)  # (batch,)
    return (temperature * chosen).clamp(floor, 0.0)


def _log_policy(q_values: torch.Tensor, temperature: float) -> torch.Tensor:
    return functional.log_softmax(q_values / temperature, dim=1)
