"""The network of a saved policy: its architecture follows from the weights' shapes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.foreign.archive import SavedModel
from qwop_wr.agents.spec import Activation, AgentSpec

Learner = Literal["DQN", "QR-DQN", "PPO or A2C"]
Weights = Mapping[str, NDArray[np.float32]]

_Q_NETWORKS: Final[Mapping[str, Learner]] = {
    "q_net.q_net": "DQN",
    "quantile_net.quantile_net": "QR-DQN",
}
_UNUSED: Final = ("q_net_target.", "quantile_net_target.")
_ACTOR: Final = "mlp_extractor.policy_net"
_CRITIC: Final = "mlp_extractor.value_net"
_ACTIVATIONS: Final[Mapping[str, Activation]] = {"Tanh": "tanh", "ReLU": "relu"}
_DEFAULT_ACTIVATIONS: Final[Mapping[Learner, Activation]] = {
    "DQN": "relu",
    "QR-DQN": "relu",
    "PPO or A2C": "tanh",
}


class _Layer(NamedTuple):
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ForeignPolicy:
    """An ``MlpPolicy`` of Stable-Baselines3 or sb3-contrib.

    Attributes:
        learner: Algorithm that trained it, as far as the weights tell.
        n_observations: Width of the input.
        n_outputs: Width of the output: one per action, or per action and quantile.
        net_arch: Widths of the hidden layers.
        saved: The archive that it comes from.
        weights: Its weights under our names.
        has_critic: Whether its critic fits beside the actor; else the critic is all zeros,
            which matters only to a search guided by it.
    """

    learner: Learner
    n_observations: int
    n_outputs: int
    net_arch: tuple[int, ...]
    activation: Activation
    saved: SavedModel
    weights: Weights
    has_critic: bool = True

    @classmethod
    def of(cls, saved: SavedModel) -> "ForeignPolicy":
        """Recognises the policy in an archive.

        Raises:
            ValueError: If it is none of the known kinds.
        """
        names = {name for name in saved.weights if not name.startswith(_UNUSED)}
        for prefix, learner in _Q_NETWORKS.items():
            if f"{prefix}.0.weight" in names:
                return cls._q_network(saved, learner, prefix, names)
        if "action_net.weight" in names:
            return cls._actor_critic(saved, names)
        raise ValueError(
            f"its weights are those of no known policy ({_sample(names)}); known are the "
            "MlpPolicy of DQN, QR-DQN, PPO and A2C"
        )

    @classmethod
    def _q_network(
        cls, saved: SavedModel, learner: Learner, prefix: str, names: set[str]
    ) -> "ForeignPolicy":
        layers = _layers(saved.weights, prefix)
        _check_nothing_left(names, {f"{prefix}.{2 * i}" for i in range(len(layers))})
        _check_chain(layers)
        weights = {**_renamed("hidden", layers[:-1]), **_named("output", layers[-1])}
        return cls._checked(saved, learner, layers, weights)

    @classmethod
    def _actor_critic(cls, saved: SavedModel, names: set[str]) -> "ForeignPolicy":
        actor, critic = _layers(saved.weights, _ACTOR), _layers(saved.weights, _CRITIC)
        heads = [_layer(saved.weights, name) for name in ("action_net", "value_net")]
        known = {f"{_ACTOR}.{2 * i}" for i in range(len(actor))}
        known |= {f"{_CRITIC}.{2 * i}" for i in range(len(critic))}
        _check_nothing_left(names, known | {"action_net", "value_net"})
        _check_chain([*actor, heads[0]])
        _check_chain([*critic, heads[1]])
        fits = [layer.weight.shape for layer in actor] == [layer.weight.shape for layer in critic]
        if not fits:
            critic = [_Layer(np.zeros_like(w), np.zeros_like(b)) for w, b in actor]
            width = actor[-1].bias.size if actor else 0
            heads[1] = _Layer(np.zeros((1, width), np.float32), np.zeros(1, np.float32))
        weights = {
            **_renamed("actor", actor),
            **_named("actor_output", heads[0]),
            **_renamed("critic", critic),
            **_named("critic_output", heads[1]),
        }
        return cls._checked(saved, "PPO or A2C", [*actor, heads[0]], weights, fits)

    @classmethod
    def _checked(
        cls,
        saved: SavedModel,
        learner: Learner,
        layers: Sequence[_Layer],
        weights: Weights,
        has_critic: bool = True,
    ) -> "ForeignPolicy":
        if len(layers) < 2:
            raise ValueError("its network has no hidden layer, at least one is needed")
        n_observations = layers[0].weight.shape[1]
        if saved.n_observations not in (None, n_observations):
            raise ValueError(
                f"it says that observations have {saved.n_observations} numbers, but its "
                f"network reads {n_observations}"
            )
        activation = _DEFAULT_ACTIVATIONS[learner]
        if saved.activation is not None:
            if saved.activation not in _ACTIVATIONS:
                raise ValueError(
                    f"its non-linearity is {saved.activation}; known are {', '.join(_ACTIVATIONS)}"
                )
            activation = _ACTIVATIONS[saved.activation]
        widths = tuple(layer.bias.size for layer in layers)
        return cls(
            learner=learner,
            n_observations=n_observations,
            n_outputs=widths[-1],
            net_arch=widths[:-1],
            activation=activation,
            saved=saved,
            weights=weights,
            has_critic=has_critic,
        )

    def n_actions(self, candidates: Sequence[int]) -> int:
        """Returns the number of actions.

        Args:
            candidates: Possible numbers, for a QR-DQN that states none itself.

        Raises:
            ValueError: If the file contradicts itself or leaves the number open.
        """
        saved, outputs = self.saved, self.n_outputs
        if self.learner != "QR-DQN":
            possible = [outputs]
        elif saved.n_quantiles is not None:
            possible = [outputs // saved.n_quantiles] if outputs % saved.n_quantiles == 0 else []
        else:
            known = candidates if saved.n_actions is None else [saved.n_actions]
            possible = [number for number in known if outputs % number == 0]
        if saved.n_actions is not None:
            possible = [number for number in possible if number == saved.n_actions]
        if not possible:
            raise ValueError(
                f"its {outputs} outputs do not fit the {saved.n_actions or 'known'} actions"
                + (f" and {saved.n_quantiles} quantiles" if saved.n_quantiles else "")
            )
        if len(possible) > 1:
            numbers = " or ".join(map(str, possible))
            raise ValueError(f"its {outputs} outputs may be {numbers} actions; say --actions")
        return possible[0]

    def agent(
        self,
        interface: Mapping[str, str | int],
        engine: str,
        origin: Mapping[str, JsonValue],
    ) -> Agent:
        """Converts to an agent: a DQN to a qrdqn of one quantile, an A2C to a ppo.

        Args:
            interface: The environment's ``observation``, ``actions``,
                ``ticks_per_action``, ``n_observations`` and ``n_actions``.
            engine: Engine that it runs on.
            origin: Where the file comes from, for the card.

        Raises:
            ValueError: If a weight is not finite or the shapes do not fit the interface.
        """
        is_actor = self.learner == "PPO or A2C"
        fields = {
            **interface,
            "engine": engine,
            "algorithm": "ppo" if is_actor else "qrdqn",
            "net_arch": self.net_arch,
            "activation": self.activation,
        }
        if not is_actor:
            fields["n_quantiles"] = self.n_outputs // int(interface["n_actions"])
        card: dict[str, JsonValue] = {
            "stage": "imported",
            "imported": {**origin, "learner": self.learner, **self.saved.facts},
        }
        if not self.has_critic:
            card["critic"] = "left out: its layers are not as wide as the actor's"
        return Agent(AgentSpec.model_validate(fields), self.weights, card)


def _layers(weights: Weights, prefix: str) -> list[_Layer]:
    """Collects the layers of a sequence: linear at even places, non-linearities between."""
    pattern = re.compile(rf"{re.escape(prefix)}\.(\d{{1,3}})\.weight")
    places = sorted(int(match[1]) for name in weights if (match := pattern.fullmatch(name)))
    if places != list(range(0, 2 * len(places), 2)):
        raise ValueError(f"its {prefix} has layers other than linear ones and non-linearities")
    return [_layer(weights, f"{prefix}.{place}") for place in places]


def _layer(weights: Weights, name: str) -> _Layer:
    if f"{name}.weight" not in weights or f"{name}.bias" not in weights:
        raise ValueError(f"its {name} lacks a weight or a bias")
    layer = _Layer(weights[f"{name}.weight"], weights[f"{name}.bias"])
    if layer.weight.ndim != 2 or layer.bias.shape != layer.weight.shape[:1]:
        raise ValueError(f"its {name} is not a linear layer: shape {layer.weight.shape}")
    return layer


def _check_chain(layers: Sequence[_Layer]) -> None:
    for before, after in pairwise(layers):
        if before.bias.size != after.weight.shape[1]:
            raise ValueError(
                f"its layers do not fit each other: {before.weight.shape} before "
                f"{after.weight.shape}"
            )


def _check_nothing_left(names: set[str], layers: set[str]) -> None:
    left = {name for name in names if name.rsplit(".", 1)[0] not in layers}
    if left:
        raise ValueError(
            f"it is more than an MlpPolicy: {_sample(left)}; recurrent, convolutional and "
            "custom policies cannot be read"
        )


def _renamed(name: str, layers: Sequence[_Layer]) -> dict[str, NDArray[np.float32]]:
    return {
        key: array
        for i, layer in enumerate(layers)
        for key, array in _named(f"{name}.linear.{i}", layer).items()
    }


def _named(name: str, layer: _Layer) -> dict[str, NDArray[np.float32]]:
    return {f"{name}.weight": layer.weight, f"{name}.bias": layer.bias}


def _sample(names: set[str]) -> str:
    first = [name[:60] for name in sorted(names)[:3]]
    return ", ".join(first) + (", ..." if len(names) > 3 else "")
