"""Wider networks that compute the same (https://arxiv.org/abs/1511.05641)."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.networks import ActorCritic

NOISE: Final = 0.02
"""Noise on the weights of copied units, in standard deviations of their layer: without it
they would learn the same."""


def widened(agent: Agent, net_arch: Sequence[int], rng: np.random.Generator) -> Agent:
    """Gives the networks of a ppo agent more hidden units.

    New units are copies of old ones with a little noise, and what a copied unit passes on is
    divided among the copies. So the agent acts and values nearly as before.

    Args:
        net_arch: Units of every hidden layer.

    Returns:
        The wider agent; the agent itself if it has so many units.

    Raises:
        ValueError: If it has no actor and critic, another number of layers or wider ones.
    """
    former, sizes = agent.spec.net_arch, tuple(net_arch)
    if former == sizes:
        return agent
    if not isinstance(agent.network(), ActorCritic):
        raise ValueError(f"only a ppo agent can be widened, got {agent.spec.algorithm!r}")
    if len(sizes) != len(former) or any(new < old for new, old in zip(sizes, former, strict=True)):
        raise ValueError(f"hidden layers {list(former)} cannot be widened to {list(sizes)}")
    weights = dict(agent.weights)
    for network in ("actor", "critic"):
        names = [*(f"{network}.linear.{i}" for i in range(len(sizes))), f"{network}_output"]
        origins = [_origins(*layer, rng) for layer in zip(former, sizes, strict=True)]
        for name, copied in zip(names, origins, strict=False):
            _copy_units(weights, name, copied, rng)
        for (_, name), copied in zip(pairwise(names), origins, strict=True):
            _share_inputs(weights, name, copied)
    spec = agent.spec.model_copy(update={"net_arch": sizes})
    return Agent(spec, weights, agent.card)


def _origins(old: int, new: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Chooses the old unit of every new one; old units keep their places."""
    copies = np.concatenate([rng.permutation(old) for _ in range(-(-new // old))])
    return np.concatenate([np.arange(old), copies])[:new]


def _copy_units(
    weights: dict[str, NDArray[np.float32]],
    name: str,
    origins: NDArray[np.int64],
    rng: np.random.Generator,
) -> None:
    old = weights[f"{name}.weight"]  # (units, inputs)
    new = old[origins]
    noise = NOISE * old.std() * rng.normal(size=(len(origins) - len(old), old.shape[1]))
    new[len(old) :] += noise.astype(np.float32)
    weights[f"{name}.weight"] = new
    weights[f"{name}.bias"] = weights[f"{name}.bias"][origins]


def _share_inputs(
    weights: dict[str, NDArray[np.float32]], name: str, origins: NDArray[np.int64]
) -> None:
    old = weights[f"{name}.weight"]  # (units, inputs)
    copies = np.bincount(origins, minlength=old.shape[1])
    shared = old[:, origins] / copies[origins]
    weights[f"{name}.weight"] = np.ascontiguousarray(shared, dtype=np.float32)
