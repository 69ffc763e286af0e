"""Behavioural cloning: an actor fitted to demonstrated actions, a critic to their returns."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pydantic import Field, JsonValue, PositiveInt
from torch.nn import functional
from tqdm import trange

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.metrics import MetricHistory
from qwop_wr.agents.networks import AgentNetwork, build_network
from qwop_wr.agents.spec import Activation, AgentSpec, LayerSizes
from qwop_wr.agents.transitions import Transitions
from qwop_wr.compute import single_thread
from qwop_wr.metric_sink import MetricSink, silent_sink
from qwop_wr.options import Options

_EVALUATION_BATCH: Final = 8192


class CloningOptions(Options):
    """Options of behavioural cloning by cross-entropy (Pomerleau, 1989)."""

    net_arch: LayerSizes = (256, 128)
    """Widths of the hidden layers, of actor and critic alike."""
    activation: Activation = "tanh"
    """Non-linearity after each hidden layer."""
    validation_share: float = Field(default=0.1, gt=0, le=0.5)
    """Share of the episodes, at least one, kept for validation."""
    epochs: PositiveInt = 60
    """Most passes over the samples."""
    patience: PositiveInt = 5
    """Passes without a lower validation loss after which cloning ends."""
    batch_size: PositiveInt = 512
    """Samples per gradient step."""
    learning_rate: float = Field(default=1e-3, gt=0, allow_inf_nan=False)
    """Step size of Adam."""
    weight_decay: float = Field(default=1e-4, ge=0, allow_inf_nan=False)
    """Pull of all weights towards 0 (AdamW, https://arxiv.org/abs/1711.05101)."""
    gamma: float = Field(default=0.995, gt=0, lt=1)
    """Discount per decision of the returns that the critic learns; use that of fine-tuning."""
    value_weight: float = Field(default=0.5, ge=0, allow_inf_nan=False)
    """Weight of the critic's loss; without a critic fine-tuning forgets before it learns."""
    progress_bar: bool = True
    """Show a progress bar on stderr."""

    def agent_spec(self, interface: Mapping[str, str | int], engine: str) -> AgentSpec:
        """Returns the spec of the clone, a ppo agent on the given environment interface."""
        fields = {"net_arch": self.net_arch, "activation": self.activation, "engine": engine}
        return AgentSpec.model_validate({**interface, **fields, "algorithm": "ppo"})


@dataclass(frozen=True, eq=False)
class CloningResult:
    """Result of a cloning.

    Attributes:
        agent: The clone, as it was when its validation loss was lowest.
        history: Metrics in long form: ``step`` (epochs), ``metric``, ``value``.
    """

    agent: Agent
    history: pd.DataFrame


class _Samples(NamedTuple):
    observations: torch.Tensor  # (n, d)
    actions: torch.Tensor  # (n,)
    returns: torch.Tensor  # (n,)


def returns_to_go(steps: Transitions, gamma: float) -> NDArray[np.float64]:
    """Computes the discounted return of every step of whole episodes, shape (N,).

    Rewards after a finish, a time limit or the end of a recording are unknown and assumed
    to equal the mean reward of the recordings. After a fall there are none.
    """
    beyond = float(steps.rewards.mean()) / (1.0 - gamma)
    returns = np.empty(len(steps))
    ends, following = steps.ends, 0.0
    for step in reversed(range(len(steps))):
        if ends[step]:
            following = 0.0 if steps.dones[step] else beyond
        following = float(steps.rewards[step]) + gamma * following
        returns[step] = following
    return returns


def split_episodes(
    steps: Transitions, share: float, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Splits whole episodes into training and validation steps, as two masks of shape (N,).

    ``share`` of the episodes, at least one and not all, are for validation.

    Raises:
        ValueError: If there is only one episode.
    """
    episodes = np.unique(steps.episode)
    if len(episodes) < 2:
        raise ValueError("cloning needs at least two episodes: one is kept to judge on")
    n_aside = min(max(round(share * len(episodes)), 1), len(episodes) - 1)
    aside = np.isin(steps.episode, rng.choice(episodes, size=n_aside, replace=False))
    return ~aside, aside


def clone(
    options: CloningOptions,
    spec: AgentSpec,
    steps: Transitions,
    seed: int,
    sink: MetricSink = silent_sink,
) -> CloningResult:
    """Trains an agent to act as demonstrated.

    ``seed`` fixes weights, split and order; ``spec`` comes from ``options.agent_spec``.

    Raises:
        ValueError: If there are fewer than two episodes.
    """
    rng = np.random.default_rng(seed)
    learnt, judged = split_episodes(steps, options.validation_share, rng)
    returns = returns_to_go(steps, options.gamma)
    training, validation = (_samples(steps, returns, mask) for mask in (learnt, judged))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build_network(spec)
    history = MetricHistory(sink)
    best, waited = copy.deepcopy(network.state_dict()), 0
    best_metrics: dict[str, float] = {"loss": np.inf}
    with (
        single_thread(),
        trange(
            options.epochs, desc="cloning", unit=" epochs", disable=not options.progress_bar
        ) as bar,
    ):
        for epoch, training_metrics in enumerate(_epochs(options, network, training, rng), 1):
            metrics = _judge(network, validation)
            history.record(_prefixed("cloning", training_metrics), epoch)
            history.record(_prefixed("validation", metrics), epoch)
            bar.update()
            bar.set_postfix(accuracy=f"{metrics['accuracy']:.3f}", refresh=False)
            waited += 1
            if metrics["loss"] < best_metrics["loss"]:
                best, best_metrics, waited = copy.deepcopy(network.state_dict()), metrics, 0
            if waited >= options.patience:
                break
    network.load_state_dict(best)
    card: dict[str, JsonValue] = {
        "options": options.model_dump(mode="json"),
        "seed": seed,
        "episodes": steps.n_episodes,
        "validation": {**best_metrics},
    }
    return CloningResult(Agent.from_network(spec, network, card), history.frame())


def _samples(steps: Transitions, returns: NDArray[np.float64], mask: NDArray[np.bool_]) -> _Samples:
    return _Samples(
        torch.from_numpy(steps.obs[mask]),
        torch.from_numpy(steps.actions[mask]),
        torch.from_numpy(returns[mask].astype(np.float32)),
    )


def _epochs(
    options: CloningOptions, network: AgentNetwork, samples: _Samples, rng: np.random.Generator
) -> Iterator[dict[str, float]]:
    """Trains pass by pass; yields the mean losses of each."""
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
    )
    n_samples = len(samples.actions)
    for _ in range(options.epochs):
        losses = []
        order = torch.from_numpy(rng.permutation(n_samples))
        for batch in torch.split(order, options.batch_size):
            observations, actions, returns = (array[batch] for array in samples)
            scores = network.action_scores(observations)
            actor_loss = functional.cross_entropy(scores, actions)
            value_loss = functional.smooth_l1_loss(network.values(observations), returns)
            optimiser.zero_grad()
            (actor_loss + options.value_weight * value_loss).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            losses.append((actor_loss.item(), value_loss.item(), len(batch)))
        sums = np.array(losses)
        means = (sums[:, :2] * sums[:, 2:]).sum(axis=0) / n_samples
        yield {"loss": float(means[0]), "value_loss": float(means[1])}


def _judge(network: AgentNetwork, samples: _Samples) -> dict[str, float]:
    """Computes mean cross-entropy, accuracy and the critic's mean error on held-out samples."""
    sums = np.zeros(3)
    with torch.inference_mode():
        for observations, actions, returns in zip(
            *(torch.split(array, _EVALUATION_BATCH) for array in samples), strict=True
        ):
            scores = network.action_scores(observations)
            sums += (
                functional.cross_entropy(scores, actions, reduction="sum").item(),
                (scores.argmax(dim=1) == actions).sum().item(),
                (network.values(observations) - returns).abs().sum().item(),
            )
    loss, accuracy, error = sums / len(samples.actions)
    return {"loss": float(loss), "accuracy": float(accuracy), "value_error": float(error)}


def _prefixed(prefix: str, metrics: Mapping[str, float]) -> dict[str, float]:
    return {f"{prefix}/{name}": value for name, value in metrics.items()}
