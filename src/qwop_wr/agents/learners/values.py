"""Value learners of SB3 and sb3-contrib around our own networks."""

from collections.abc import Callable
from typing import Any

import torch
from gymnasium import spaces
from sb3_contrib import QRDQN
from stable_baselines3 import DQN
from stable_baselines3.common.type_aliases import ReplayBufferSamples, Schedule
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from torch import nn
from torch.nn import functional

from qwop_wr.agents.networks import QuantileNetwork
from qwop_wr.agents.quantile_loss import quantile_huber_loss
from qwop_wr.agents.spec import AgentSpec
from qwop_wr.agents.targets import double_q_values


class ValuePolicy(DQNPolicy):
    """SB3's DQN policy around our quantile network of one quantile.

    Args:
        observation_space: Observations of one game.
        action_space: Actions of one game.
        lr_schedule: Step size by remaining progress.
        spec: Spec of the agents.
        **kwargs: SB3's further arguments, such as the optimiser.
    """

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Discrete,
        lr_schedule: Schedule,
        spec: AgentSpec,
        **kwargs: Any,  # noqa: ANN401 - SB3's to define
    ) -> None:
        self.spec = spec
        kwargs["net_arch"] = list(spec.net_arch)
        super().__init__(observation_space, action_space, lr_schedule, **kwargs)

    @property
    def online_network(self) -> QuantileNetwork:
        """The network that learns."""
        network = self.q_net.q_net[0]
        assert isinstance(network, QuantileNetwork)  # noqa: S101 - make_q_net put it there
        return network

    def make_q_net(self) -> QNetwork:
        """Build SB3's network with ours in its place.

        Returns:
            The network; its output is ours, the axis of the one quantile left out.
        """
        network = super().make_q_net()
        network.q_net = nn.Sequential(QuantileNetwork(self.spec), nn.Flatten()).to(self.device)
        return network


class DoubleDQN(DQN):
    """SB3's DQN, except that the online network chooses the action behind a step.

    https://arxiv.org/abs/1509.06461: the target network only values it, so that an action
    is not chosen for the very error that makes it look good.
    """

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        """Make gradient steps.

        Args:
            gradient_steps: How many.
            batch_size: Samples of each.
        """
        _train(self, gradient_steps, batch_size, self._loss)

    def _loss(self, data: ReplayBufferSamples) -> torch.Tensor:
        with torch.no_grad():
            scores = self.q_net(data.next_observations)  # (batch, n_actions)
            behind = double_q_values(scores, self.q_net_target(data.next_observations)[:, None])
            targets = data.rewards + (1 - data.dones) * self.gamma * behind  # (batch, 1)
        chosen = self.q_net(data.observations).gather(1, data.actions.long())  # (batch, 1)
        return functional.smooth_l1_loss(chosen, targets)


class SortingQRDQN(QRDQN):
    """sb3-contrib's QR-DQN with the same loss worked out faster where quantiles are many.

    sb3-contrib compares every quantile with every target; sorted targets give the same
    sums in far less time (``quantile_loss.py``). Everything else is sb3-contrib's, so that
    its targets are copied when it copies them.
    """

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        """Make gradient steps.

        Args:
            gradient_steps: How many.
            batch_size: Samples of each.
        """
        _train(self, gradient_steps, batch_size, self._loss)

    def _loss(self, data: ReplayBufferSamples) -> torch.Tensor:
        with torch.no_grad():
            later = self.quantile_net_target(data.next_observations)  # (batch, N, n_actions)
            behind = double_q_values(later.mean(dim=1), later)  # (batch, N)
            targets = data.rewards + (1 - data.dones) * self.gamma * behind
        self.logger.record("train/value", targets.mean().item())
        index = data.actions.long()[:, :, None].expand(-1, self.n_quantiles, 1)
        quantiles = self.quantile_net(data.observations).gather(2, index).squeeze(2)
        # Ours is a mean over the quantiles, theirs a sum.
        return self.n_quantiles * quantile_huber_loss(quantiles, targets).mean()


def _train(
    model: DQN | QRDQN,
    gradient_steps: int,
    batch_size: int,
    loss_of: Callable[[ReplayBufferSamples], torch.Tensor],
) -> None:
    optimizer = model.policy.optimizer
    model._update_learning_rate(optimizer)
    assert model.replay_buffer is not None  # noqa: S101 - SB3 made one
    for _ in range(gradient_steps):
        loss = loss_of(model.replay_buffer.sample(batch_size))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if model.max_grad_norm is not None:
            nn.utils.clip_grad_norm_(model.policy.parameters(), model.max_grad_norm)
        optimizer.step()
    model._n_updates += gradient_steps
    model.logger.record("train/n_updates", model._n_updates)
    model.logger.record("train/loss", loss.item())
