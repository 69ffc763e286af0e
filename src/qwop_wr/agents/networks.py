"""The agents' networks, averages of their weights, and dense layers without autograd."""

from abc import abstractmethod
from collections.abc import Sequence
from copy import deepcopy
from itertools import pairwise
from typing import Generic, TypeVar

import torch
from torch import nn
from torch.nn import functional

from qwop_wr.agents.spec import Activation, AgentSpec, Algorithm

ACTIVATIONS: dict[Activation, type[nn.Module]] = {"tanh": nn.Tanh, "relu": nn.ReLU}


class AgentNetwork(nn.Module):
    """A network that scores actions and states."""

    @abstractmethod
    def action_scores(self, observations: torch.Tensor) -> torch.Tensor:
        """Scores every action: logits or expected returns, the best has the highest score.

        Maps observations (batch, n_observations) to scores (batch, n_actions).
        """

    @abstractmethod
    def values(self, observations: torch.Tensor) -> torch.Tensor:
        """Estimates discounted returns (batch,), in scaled rewards, of observations (batch, d)."""


class HiddenLayers(nn.Module):
    """Fully connected layers, each linear, optionally normalised, non-linear.

    Args:
        sizes: Width of the input and of every layer.
        activation: Non-linearity.
        layer_norm: Normalise before the non-linearity (https://arxiv.org/abs/1607.06450),
            which keeps value learning from diverging (https://arxiv.org/abs/2302.02948).
    """

    def __init__(self, sizes: Sequence[int], activation: Activation, layer_norm: bool) -> None:
        super().__init__()
        self.linear = nn.ModuleList(nn.Linear(i, o) for i, o in pairwise(sizes))
        self.norm = nn.ModuleList(
            nn.LayerNorm(size) if layer_norm else nn.Identity() for size in sizes[1:]
        )
        self.activation = ACTIVATIONS[activation]()

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Maps inputs (batch, sizes[0]) to features (batch, sizes[-1])."""
        features = inputs
        for linear, norm in zip(self.linear, self.norm, strict=True):
            features = self.activation(norm(linear(features)))
        return features


class QuantileNetwork(AgentNetwork):
    """Quantiles of the return of every action (https://arxiv.org/abs/1710.10044).

    With a dueling head (https://arxiv.org/abs/1511.06581) they are the quantiles of the
    state's value plus what an action adds to the mean of all actions.
    """

    def __init__(self, spec: AgentSpec) -> None:
        super().__init__()
        assert spec.n_quantiles is not None  # noqa: S101 - the spec has made sure
        self.n_quantiles, self.n_actions = spec.n_quantiles, spec.n_actions
        sizes = (spec.n_observations, *spec.net_arch)
        self.hidden = HiddenLayers(sizes, spec.activation, spec.layer_norm)
        self.output = nn.Linear(sizes[-1], self.n_quantiles * self.n_actions)
        self.value = nn.Linear(sizes[-1], self.n_quantiles) if spec.dueling else None

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Maps observations (batch, d) to quantiles (batch, n_quantiles, n_actions)."""
        features = self.hidden(observations)
        outputs: torch.Tensor = self.output(features)
        outputs = outputs.view(-1, self.n_quantiles, self.n_actions)
        if self.value is None:
            return outputs
        values: torch.Tensor = self.value(features)[:, :, None]
        return values + outputs - outputs.mean(dim=2, keepdim=True)

    def action_scores(self, observations: torch.Tensor) -> torch.Tensor:
        """Computes expected returns: the means of the quantiles."""
        # The mean of linear outputs is the output of the mean weights, at 1/N of the work.
        features = self.hidden(observations)
        weight = self.output.weight.view(self.n_quantiles, self.n_actions, -1).mean(dim=0)
        bias = self.output.bias.view(self.n_quantiles, self.n_actions).mean(dim=0)
        scores = functional.linear(features, weight, bias)
        if self.value is None:
            return scores
        values: torch.Tensor = self.value(features).mean(dim=1, keepdim=True)
        return values + scores - scores.mean(dim=1, keepdim=True)

    def values(self, observations: torch.Tensor) -> torch.Tensor:
        """Computes the expected return of the greedy action."""
        return self.action_scores(observations).amax(dim=1)

    def set_level(self, level: float) -> None:
        """Sets the bias so that all expected returns start from ``level``, in scaled rewards."""
        nn.init.constant_((self.output if self.value is None else self.value).bias, level)


class ActorCritic(AgentNetwork):
    """Two separate networks: action logits and state value."""

    def __init__(self, spec: AgentSpec) -> None:
        super().__init__()
        sizes = (spec.n_observations, *spec.net_arch)
        self.actor = HiddenLayers(sizes, spec.activation, layer_norm=False)
        self.actor_output = nn.Linear(sizes[-1], spec.n_actions)
        self.critic = HiddenLayers(sizes, spec.activation, layer_norm=False)
        self.critic_output = nn.Linear(sizes[-1], 1)

    def action_scores(self, observations: torch.Tensor) -> torch.Tensor:
        """Computes the logits of the categorical policy."""
        logits: torch.Tensor = self.actor_output(self.actor(observations))
        return logits

    def values(self, observations: torch.Tensor) -> torch.Tensor:
        """Computes the critic's estimates."""
        values: torch.Tensor = self.critic_output(self.critic(observations))
        return values.squeeze(-1)


Memory = tuple[torch.Tensor, torch.Tensor]
"""Hidden and cell state of an LSTM, each of shape (1, batch, lstm_size)."""


class RecurrentActorCritic(AgentNetwork):
    """An actor and a critic that each remember an episode with an LSTM."""

    def __init__(self, spec: AgentSpec) -> None:
        super().__init__()
        assert spec.lstm_size is not None  # noqa: S101 - the spec has made sure
        sizes = (spec.lstm_size, *spec.net_arch)
        self.actor_lstm = nn.LSTM(spec.n_observations, spec.lstm_size)
        self.actor = HiddenLayers(sizes, spec.activation, layer_norm=False)
        self.actor_output = nn.Linear(sizes[-1], spec.n_actions)
        self.critic_lstm = nn.LSTM(spec.n_observations, spec.lstm_size)
        self.critic = HiddenLayers(sizes, spec.activation, layer_norm=False)
        self.critic_output = nn.Linear(sizes[-1], 1)

    def remember(
        self, observations: torch.Tensor, memory: Memory | None
    ) -> tuple[torch.Tensor, Memory]:
        """Scores every action, given the earlier observations of the episode.

        Args:
            observations: Current ones, shape (batch, n_observations).
            memory: Memory after the previous decision; None at the beginning of an episode.

        Returns:
            Logits, shape (batch, n_actions), and the memory after this decision.
        """
        features, memory = self.actor_lstm(observations[None], memory)
        logits: torch.Tensor = self.actor_output(self.actor(features[0]))
        return logits, memory

    def action_scores(self, observations: torch.Tensor) -> torch.Tensor:
        """Computes the logits at the beginning of an episode."""
        return self.remember(observations, None)[0]

    def values(self, observations: torch.Tensor) -> torch.Tensor:
        """Computes the critic's estimates at the beginning of an episode."""
        features, _ = self.critic_lstm(observations[None])
        values: torch.Tensor = self.critic_output(self.critic(features[0]))
        return values.squeeze(-1)


_NETWORKS: dict[Algorithm, type[QuantileNetwork | ActorCritic | RecurrentActorCritic]] = {
    "qrdqn": QuantileNetwork,
    "ppo": ActorCritic,
    "recurrent_ppo": RecurrentActorCritic,
}


def build_network(spec: AgentSpec) -> AgentNetwork:
    """Builds the network of a spec, with weights drawn from torch's global generator."""
    return _NETWORKS[spec.algorithm](spec)


Network = TypeVar("Network", bound=nn.Module)


class WeightAverage(Generic[Network]):
    """Exponential average of a network's weights.

    The decay grows from 0 to its final value as (1 + n) / (10 + n) with the number n of
    updates, as in TensorFlow's ``ExponentialMovingAverage``, so that a young average does
    not keep weights from the very beginning. Torch's ``AveragedModel`` takes four times as
    long: it looks its parameters up anew for every update.

    Args:
        network: The network; it is copied.
        decay: Share of the old average that an update keeps, 0 to below 1.

    Attributes:
        network: The average.
        n_updates: Updates so far.
    """

    def __init__(self, network: Network, decay: float) -> None:
        self.network = deepcopy(network)
        self.n_updates = 0
        self._decay = decay
        self._current = [parameter.detach() for parameter in network.parameters()]
        self._average = [parameter.detach() for parameter in self.network.parameters()]

    def update(self) -> None:
        """Adds the network's current weights; the first time, they become the average."""
        n = self.n_updates
        decay = min(self._decay, (1 + n) / (10 + n)) if n else 0.0
        torch._foreach_lerp_(self._average, self._current, 1.0 - decay)
        self.n_updates += 1

    def restart(self) -> None:
        """Resets the average to the network's current weights."""
        torch._foreach_copy_(self._average, self._current)
        self.n_updates = 0


class FlatWeights:
    """All weights of a module as views of one vector, and their gradients of another.

    Zeroing, clipping and Adam then take one call each.

    Args:
        module: The module; its weights keep their values and become views.

    Attributes:
        vector: The weights, as the optimiser's only parameter; its ``grad`` is set.
    """

    def __init__(self, module: nn.Module) -> None:
        weights = list(module.parameters())
        self.vector = nn.Parameter(torch.cat([one.detach().flatten() for one in weights]))
        self.vector.grad = torch.zeros_like(self.vector)
        first = 0
        for one in weights:
            last = first + one.numel()
            one.data = self.vector.data[first:last].view(one.shape)
            one.grad = self.vector.grad[first:last].view(one.shape)
            first = last

    @property
    def gradient(self) -> torch.Tensor:
        """Gradients of all weights, shape (n,)."""
        assert self.vector.grad is not None  # noqa: S101 - the constructor set it
        return self.vector.grad

    def clip(self, longest: float) -> None:
        """Shortens the gradient to at most ``longest``."""
        length = self.gradient.norm()
        self.gradient.mul_((longest / (length + 1e-6)).clamp_(max=1.0))


class DenseStack:
    """Hidden layers without normalisation and an output layer, forward and backward."""

    def __init__(self, hidden: HiddenLayers, output: nn.Linear) -> None:
        self._layers = [*(layer for layer in hidden.linear if isinstance(layer, nn.Linear)), output]
        self._is_tanh = isinstance(hidden.activation, nn.Tanh)

    def forward(self, inputs: torch.Tensor) -> list[torch.Tensor]:
        """Maps inputs (batch, d) to inputs, hidden activations and outputs, each (batch, width)."""
        steps = [inputs]
        for layer in self._layers[:-1]:
            sums = torch.addmm(layer.bias, steps[-1], layer.weight.t())
            steps.append(sums.tanh_() if self._is_tanh else sums.relu_())
        last = self._layers[-1]
        return [*steps, torch.addmm(last.bias, steps[-1], last.weight.t())]

    def backward(self, steps: list[torch.Tensor], gradient: torch.Tensor) -> None:
        """Adds to the gradients of the weights.

        Args:
            steps: Result of ``forward``.
            gradient: Gradient of the loss by the outputs, shape (batch, outputs).
        """
        for index in range(len(self._layers) - 1, -1, -1):
            layer, activations = self._layers[index], steps[index]
            assert layer.weight.grad is not None  # noqa: S101 - FlatWeights set them
            assert layer.bias.grad is not None  # noqa: S101
            layer.weight.grad.addmm_(gradient.t(), activations)
            layer.bias.grad.add_(gradient.sum(dim=0))
            if index == 0:
                return
            gradient = gradient @ layer.weight
            if self._is_tanh:
                gradient = torch.ops.aten.tanh_backward(gradient, activations)
            else:
                gradient = torch.ops.aten.threshold_backward(gradient, activations, 0)
