"""A trained agent as plain data: spec, weights and a card."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import JsonValue

from qwop_wr.agents.networks import AgentNetwork, RecurrentActorCritic, build_network
from qwop_wr.agents.policy import Policy, RecurrentPolicy
from qwop_wr.agents.spec import AgentSpec

__all__ = ["Agent", "AgentSpec", "Weights", "mean_agent"]

Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Agent:
    """A trained agent; nothing in it can execute.

    Attributes:
        weights: Arrays by the names of the spec's network, read-only.
        card: Where it comes from: stage, steps, seed, options, scores.

    Raises:
        ValueError: If the weights do not fit the spec or are not finite.
    """

    spec: AgentSpec
    weights: Weights
    card: Mapping[str, JsonValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", _checked_weights(self.spec, self.weights))
        object.__setattr__(self, "card", dict(self.card))

    @classmethod
    def from_network(
        cls, spec: AgentSpec, network: AgentNetwork, card: Mapping[str, JsonValue]
    ) -> "Agent":
        """Makes an agent from a copy of a network's weights."""
        weights = {
            name: tensor.detach().cpu().numpy().copy()
            for name, tensor in network.state_dict().items()
        }
        return cls(spec, weights, card)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over spec and weights, as hexadecimal text; the card does not count."""
        digest = hashlib.sha256()
        digest.update(json.dumps(self.spec.identity(), sort_keys=True).encode())
        for name in sorted(self.weights):
            array = self.weights[name]
            digest.update(f"{name}{array.shape}".encode())
            digest.update(array.astype("<f4").tobytes())
        return digest.hexdigest()

    def network(self) -> AgentNetwork:
        """Builds the agent's network, on the CPU."""
        network = build_network(self.spec)
        network.load_state_dict({k: torch.tensor(v) for k, v in self.weights.items()})
        return network

    def policy(self) -> Policy:
        """Makes a policy over a copy of the weights."""
        network, width = self.network(), self.spec.n_observations
        if isinstance(network, RecurrentActorCritic):
            return RecurrentPolicy(network, width)
        return Policy(network, width, self.spec.reward_scale)

    def check_interface(self, interface: Mapping[str, str | int]) -> None:
        """Checks that the agent can act in an environment with this ``interface``.

        Raises:
            ValueError: Naming the first value that differs or is missing.
        """
        self.spec.check_interface(interface)

    def with_card(self, **entries: JsonValue) -> "Agent":
        """Returns the agent with entries added to its card or replaced."""
        return replace(self, card={**self.card, **entries})


def mean_agent(agents: Sequence[Agent]) -> Agent:
    """Averages the weights of agents of one spec; the card is the last one's."""
    last = agents[-1]
    names = last.weights
    weights = {name: np.mean([one.weights[name] for one in agents], axis=0) for name in names}
    return replace(last, weights=weights)


def _checked_weights(spec: AgentSpec, weights: Weights) -> Weights:
    with torch.device("meta"):
        expected = {k: tuple(v.shape) for k, v in build_network(spec).state_dict().items()}
    if missing := sorted(expected.keys() - weights.keys()):
        raise ValueError(f"the agent's weights lack {missing[0]!r}, which its spec asks for")
    if surplus := sorted(weights.keys() - expected.keys()):
        raise ValueError(f"the agent has weights {surplus[0]!r}, which its spec does not know")
    checked = {}
    for name, shape in expected.items():
        array = np.array(weights[name], dtype=np.float32, order="C")
        if array.shape != shape:
            raise ValueError(f"weights {name!r} must have shape {shape}, got {array.shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"weights {name!r} hold values that are not finite")
        array.flags.writeable = False
        checked[name] = array
    return checked
