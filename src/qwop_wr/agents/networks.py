"""The networks behind the agents, with weights named in our own way."""

from abc import abstractmethod
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from qwop_wr.agents.spec import Activation, AgentSpec, Algorithm

ACTIVATIONS: dict[Activation, type[nn.Module]] = {"tanh": nn.Tanh, "relu": nn.ReLU}


class AgentNetwork(nn.Module):
    """A network that scores actions and states."""

    @abstractmethod
    def action_scores(self, observations: torch.Tensor) -> torch.Tensor:
        """Score every action: logits or expected returns.

        Args:
            observations: Shape (batch, n_observations).

        Returns:
            Scores, the best action has the highest, shape (batch, n_actions).
        """

    @abstractmethod
    def values(self, observations: torch.Tensor) -> torch.Tensor:
        """Expected discounted return, in scaled rewards.

        Args:
            observations: Shape (batch, n_observations).

        Returns:
            Values, shape (batch,).
        """


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
        """Map inputs (batch, sizes[0]) to features (batch, sizes[-1])."""
        features = inputs
        for linear, norm in zip(self.linear, self.norm, strict=True):
            features = self.activation(norm(linear(features)))
        return features


class QuantileNetwork(AgentNetwork):
    """Quantiles of the return of every action (https://arxiv.org/abs/1710.10044).

    With a dueling head (https://arxiv.org/abs/1511.06581) they are the quantiles of the
    state's value plus what an action adds to the mean of all actions.

    Args:
        spec: Spec of a qrdqn agent.
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
        """Map observations (batch, d) to quantiles (batch, n_quantiles, n_actions)."""
        features = self.hidden(observations)
        outputs: torch.Tensor = self.output(features)
        outputs = outputs.view(-1, self.n_quantiles, self.n_actions)
        if self.value is None:
            return outputs
        values: torch.Tensor = self.value(features)[:, :, None]
        return values + outputs - outputs.mean(dim=2, keepdim=True)

    def action_scores(self, observations: torch.Tensor) -> torch.Tensor:
        """Expected returns: the means of the quantiles."""
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
        """Expected return of the greedy action."""
        return self.action_scores(observations).amax(dim=1)

    def set_level(self, level: float) -> None:
        """Let all returns start from one level, on top of which the weights' differences lie.

        Args:
            level: Expected return, in scaled rewards.
        """
        nn.init.constant_((self.output if self.value is None else self.value).bias, level)


class ActorCritic(AgentNetwork):
    """Two separate networks: action logits and state value.

    Args:
        spec: Spec of a ppo agent.
    """

    def __init__(self, spec: AgentSpec) -> None:
        super().__init__()
        sizes = (spec.n_observations, *spec.net_arch)
        self.actor = HiddenLayers(sizes, spec.activation, layer_norm=False)
        self.actor_output = nn.Linear(sizes[-1], spec.n_actions)
        self.critic = HiddenLayers(sizes, spec.activation, layer_norm=False)
        self.critic_output = nn.Linear(sizes[-1], 1)

    def action_scores(self, observations: torch.Tensor) -> torch.Tensor:
        """Logits of the categorical policy."""
        logits: torch.Tensor = self.actor_output(self.actor(observations))
        return logits

    def values(self, observations: torch.Tensor) -> torch.Tensor:
        """The critic's estimate."""
        values: torch.Tensor = self.critic_output(self.critic(observations))
        return values.squeeze(-1)


Memory = tuple[torch.Tensor, torch.Tensor]
"""Hidden and cell state of an LSTM, each of shape (1, batch, lstm_size)."""


class RecurrentActorCritic(AgentNetwork):
    """An actor and a critic that each remember an episode with an LSTM.

    Args:
        spec: Spec of a recurrent_ppo agent.
    """

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
        """Score every action, given what was seen before.

        Args:
            observations: Of the present decision, shape (batch, n_observations).
            memory: What the decision before left; None at the beginning of an episode.

        Returns:
            Logits, shape (batch, n_actions), and the memory from now on.
        """
        features, memory = self.actor_lstm(observations[None], memory)
        logits: torch.Tensor = self.actor_output(self.actor(features[0]))
        return logits, memory

    def action_scores(self, observations: torch.Tensor) -> torch.Tensor:
        """Logits at the beginning of an episode."""
        return self.remember(observations, None)[0]

    def values(self, observations: torch.Tensor) -> torch.Tensor:
        """The critic's estimate at the beginning of an episode."""
        features, _ = self.critic_lstm(observations[None])
        values: torch.Tensor = self.critic_output(self.critic(features[0]))
        return values.squeeze(-1)


_NETWORKS: dict[Algorithm, type[QuantileNetwork | ActorCritic | RecurrentActorCritic]] = {
    "qrdqn": QuantileNetwork,
    "ppo": ActorCritic,
    "recurrent_ppo": RecurrentActorCritic,
}


def build_network(spec: AgentSpec) -> AgentNetwork:
    """Build the untrained network that a spec describes.

    Args:
        spec: Spec of the agent.

    Returns:
        Network with freshly drawn weights (from torch's global generator).
    """
    return _NETWORKS[spec.algorithm](spec)
