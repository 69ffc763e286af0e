"""Losses and targets: pure functions, one row per sample."""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn import functional

SORTED_FROM = 24
"""Quantiles from which the sorted form is the faster one (``benchmarks/learner.py``)."""


def quantile_huber_loss(
    quantiles: torch.Tensor, targets: torch.Tensor, kappa: float = 1.0
) -> torch.Tensor:
    """Quantile regression with a Huber loss (https://arxiv.org/abs/1710.10044, eq. 10).

    Averaged over the quantiles where the paper sums, so that its weight against other
    losses does not depend on their number. The faster form is chosen by size.

    Args:
        quantiles: Estimates at the midpoints (i + 1/2) / N, shape (batch, N).
        targets: Samples of the target distribution, shape (batch, M); no gradient
            flows into them.
        kappa: Error up to which the loss is quadratic.

    Returns:
        Losses, shape (batch,).
    """
    form = (
        sorted_loss if min(quantiles.shape[1], targets.shape[1]) >= SORTED_FROM else pairwise_loss
    )
    return form(quantiles, targets, kappa)


def pairwise_loss(quantiles: torch.Tensor, targets: torch.Tensor, kappa: float) -> torch.Tensor:
    """Compares every estimate with every target: O(B N M) time and memory."""
    errors = targets.detach()[:, None, :] - quantiles[:, :, None]  # (batch, N, M)
    huber = functional.huber_loss(errors, torch.zeros_like(errors), reduction="none", delta=kappa)
    weights = (_midpoints(quantiles)[:, None] - (errors.detach() < 0).to(errors.dtype)).abs()
    return (weights * huber).mean(dim=(1, 2)) / kappa


def sorted_loss(quantiles: torch.Tensor, targets: torch.Tensor, kappa: float) -> torch.Tensor:
    """Sums over all pairs without forming them: O(B (N + M) log M) time, O(B (N + M)) memory.

    The targets are sorted once. For an estimate, the targets then fall into four
    neighbouring ranges: far below, near below, near above and far above. The Huber loss is a
    polynomial on each of them, so that prefix sums of the targets and of their squares
    give its sum over a range. The gradient is computed alongside the values.
    """
    losses: torch.Tensor = _SortedLoss.apply(quantiles, targets.detach(), kappa)  # type: ignore[no-untyped-call]
    return losses


def _midpoints(quantiles: torch.Tensor) -> torch.Tensor:
    n = quantiles.shape[1]
    return (torch.arange(n, device=quantiles.device, dtype=quantiles.dtype) + 0.5) / n  # (N,)


def _sorted(rows: torch.Tensor) -> torch.Tensor:
    # NumPy's vectorised sorts are many times quicker than torch's on a processor.
    if rows.device.type == "cpu":
        return torch.from_numpy(np.sort(rows.numpy(), axis=1))
    return rows.sort(dim=1).values


def _ranks(targets: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
    """Counts the targets below each edge; both (batch, ...), the targets sorted."""
    if targets.device.type != "cpu":
        return torch.searchsorted(targets, edges)
    # One sort of both together: a search branches unpredictably for every edge.
    m = targets.shape[1]
    order = torch.from_numpy(np.argsort(np.concatenate([targets, edges], axis=1), axis=1))
    passed = (order < m).cumsum(dim=1)
    return torch.empty_like(passed).scatter_(1, order, passed)[:, m:]


class _SortedLoss(torch.autograd.Function):
    """The loss with its analytic gradient with respect to the quantiles."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 - torch's to define
        quantiles: torch.Tensor,
        targets: torch.Tensor,
        kappa: float,
    ) -> torch.Tensor:
        # Differences of squares lose digits where values are large beside their spread.
        centre = targets.mean(dim=1, keepdim=True)
        q = (quantiles - centre).double()  # (batch, N)
        t = _sorted((targets - centre).double())  # (batch, M)
        m = t.shape[1]
        zero = t.new_zeros(len(t), 1)
        sums = torch.cat([zero, t.cumsum(dim=1)], dim=1)  # (batch, M + 1)
        squares = torch.cat([zero, t.square().cumsum(dim=1)], dim=1)  # (batch, M + 1)
        edges = torch.cat([q - kappa, q, q + kappa], dim=1)
        ranks = _ranks(t, edges)  # (batch, 3 N)
        s0, s1, s2 = sums.gather(1, ranks).chunk(3, dim=1)
        r1, r2, r3 = squares.gather(1, ranks).chunk(3, dim=1)
        n0, n1, n2 = ranks.to(q.dtype).chunk(3, dim=1)
        total = sums[:, -1:]
        # Sums over the targets of each range of the error t - q and of its square.
        near_below = (s1 - s0) - (n1 - n0) * q
        near_above = (s2 - s1) - (n2 - n1) * q
        far_below = n0 * q - s0
        far_above = (total - s2) - (m - n2) * q
        square_below = (r2 - r1) - 2 * q * (s1 - s0) + (n1 - n0) * q.square()
        square_above = (r3 - r2) - 2 * q * (s2 - s1) + (n2 - n1) * q.square()
        below = square_below / 2 + kappa * (far_below - n0 * kappa / 2)  # (batch, N)
        above = square_above / 2 + kappa * (far_above - (m - n2) * kappa / 2)
        tau = _midpoints(q)  # (N,)
        scale = 1.0 / (kappa * m * q.shape[1])
        slope = (1 - tau) * (kappa * n0 - near_below) - tau * (near_above + kappa * (m - n2))
        ctx.save_for_backward((slope * scale).to(quantiles.dtype))
        return (((1 - tau) * below + tau * above).sum(dim=1) * scale).to(quantiles.dtype)

    @staticmethod
    def backward(
        ctx: Any,  # noqa: ANN401 - torch's to define
        upstream: torch.Tensor,
    ) -> tuple[torch.Tensor, None, None]:
        (slope,) = ctx.saved_tensors
        return slope * upstream[:, None], None, None


def large_margin_loss(q_values: torch.Tensor, actions: torch.Tensor, margin: float) -> torch.Tensor:
    """Pushes every other action a margin below the demonstrated one.

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
    """Looks up one network's values of the actions that another chooses.

    Double Q-learning (https://arxiv.org/abs/1509.06461) on quantiles.

    Args:
        selector_q: The online network's expected returns in the next states,
            shape (batch, n_actions).
        target_quantiles: The target network's quantiles there, shape (batch, N, n_actions).

    Returns:
        Quantiles of the values, shape (batch, N).
    """
    actions = selector_q.argmax(dim=1)  # (batch,)
    index = actions[:, None, None].expand(-1, target_quantiles.shape[1], 1)
    return target_quantiles.gather(2, index).squeeze(2)  # (batch, N)


class RolloutSamples(NamedTuple):
    """Steps of a rollout, n of them in any order."""

    observations: torch.Tensor  # [n, d]
    actions: torch.Tensor  # [n, 1]
    log_probs: torch.Tensor  # [n]
    advantages: torch.Tensor  # [n]
    returns: torch.Tensor  # [n]


class PolicyLoss(NamedTuple):
    """Sums of losses, entropies, divergences and clips; and the gradient by the scores."""

    sums: torch.Tensor  # [4]
    gradient: torch.Tensor  # [n, actions]


def policy_loss(
    scores: torch.Tensor, samples: RolloutSamples, clip_range: float, entropy_weight: float
) -> PolicyLoss:
    """Computes the clipped surrogate loss with its entropy bonus, and its gradient.

    Where the clipped ratio is the smaller one, the gradient is zero; elsewhere that of a
    log-probability by the scores is 1(a) - p, and that of the entropy H is -p (log p + H).

    Args:
        scores: Logits of the actions, shape (n, actions).
        samples: Actions taken, with normalised advantages.
        clip_range: Change of a probability's ratio beyond which it is not rewarded.
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
    last_values: torch.Tensor,
    ends: torch.Tensor,
    gamma: float,
    gae_lambda: float,
) -> torch.Tensor:
    """Estimates advantages (https://arxiv.org/abs/1506.02438), shape (steps, games).

    Args:
        rewards: Shape (steps, games).
        values: Values of the states acted in, shape (steps, games).
        last_values: Values of the states after the last step, shape (games,).
        ends: 1 where an episode ended with the step, shape (steps, games).
        gamma: Discount per step.
        gae_lambda: 0 trusts the values, 1 the rewards.
    """
    following = torch.cat((values[1:], last_values[None]))
    going = gamma * (1.0 - ends)
    errors = rewards + going * following - values
    advantages = torch.empty_like(rewards)
    later = torch.zeros_like(last_values)
    for step in range(len(rewards) - 1, -1, -1):
        later = torch.addcmul(errors[step], going[step], later, value=gae_lambda)
        advantages[step] = later
    return advantages
