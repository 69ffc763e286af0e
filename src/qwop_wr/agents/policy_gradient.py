"""The formulas of PPO, with the gradient by an actor's scores."""

from typing import NamedTuple

import torch


class Samples(NamedTuple):
    """Steps to learn from, n of them in any order."""

    observations: torch.Tensor  # [n, d]
    actions: torch.Tensor  # [n, 1]
    log_probs: torch.Tensor  # [n]
    advantages: torch.Tensor  # [n]
    returns: torch.Tensor  # [n]


class PolicyLoss(NamedTuple):
    """Sums over a block: losses, entropies, divergences, clipped; and a gradient by scores."""

    sums: torch.Tensor  # [4]
    gradient: torch.Tensor  # [n, actions]


def policy_loss(
    scores: torch.Tensor, samples: Samples, clip_range: float, entropy_weight: float
) -> PolicyLoss:
    """Work out the clipped surrogate loss with its entropy bonus, and its gradient.

    Where the clipped ratio is the smaller one, the gradient is zero; elsewhere that of a
    log-probability by the scores is 1(a) - p, and that of the entropy H is -p (log p + H).

    Args:
        scores: Logits of the actions, shape (n, actions).
        samples: What was done, with normalised advantages.
        clip_range: Largest change of a probability's ratio that is rewarded.
        entropy_weight: Weight of the entropy.

    Returns:
        Sums over the samples, and the gradient of the summed loss.
    """
    logs = scores.log_softmax(dim=1)
    probabilities = logs.exp()
    entropies = -(probabilities * logs).sum(dim=1)
    changes = logs.gather(1, samples.actions).squeeze(1) - samples.log_probs
    ratios = changes.exp()
    surrogates = samples.advantages * ratios
    clipped = samples.advantages * ratios.clamp(1 - clip_range, 1 + clip_range)
    pull = surrogates * (surrogates <= clipped)
    gradient = probabilities * (entropy_weight * (logs + entropies[:, None]) + pull[:, None])
    gradient.scatter_add_(1, samples.actions, -pull[:, None])
    sums = (
        -torch.minimum(surrogates, clipped).sum(),
        entropies.sum(),
        (ratios - 1 - changes).sum(),
        ((ratios - 1).abs() > clip_range).sum(),
    )
    return PolicyLoss(torch.stack(sums), gradient)


def generalised_advantages(
    rewards: torch.Tensor,
    values: torch.Tensor,
    behind: torch.Tensor,
    ends: torch.Tensor,
    gamma: float,
    gae_lambda: float,
) -> torch.Tensor:
    """Estimate advantages (https://arxiv.org/abs/1506.02438).

    Args:
        rewards: Shape (steps, games).
        values: Of the states that were acted in, shape (steps, games).
        behind: Of the states behind the last step, shape (games,).
        ends: 1 where an episode ended with the step, shape (steps, games).
        gamma: Discount per step.
        gae_lambda: 0 trusts the values, 1 the rewards.

    Returns:
        Advantages, shape (steps, games).
    """
    following = torch.cat((values[1:], behind[None]))
    going = gamma * (1.0 - ends)
    errors = rewards + going * following - values
    advantages = torch.empty_like(rewards)
    later = torch.zeros_like(behind)
    for step in range(len(rewards) - 1, -1, -1):
        later = torch.addcmul(errors[step], going[step], later, value=gae_lambda)
        advantages[step] = later
    return advantages
