"""SB3's PPO with schedules that follow a budget."""

from collections.abc import Mapping
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, PositiveInt
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecEnv

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.budget import BudgetClock, TrainingBudget
from qwop_wr.agents.collection import CollectionOptions
from qwop_wr.agents.errors import TrainingDivergedError
from qwop_wr.agents.networks import ACTIVATIONS
from qwop_wr.agents.schedules import Schedule
from qwop_wr.agents.spec import Activation, AgentSpec, LayerSizes


class PPOOptions(BaseModel):
    """How an agent is trained with PPO (https://arxiv.org/abs/1707.06347)."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    budget: TrainingBudget
    """How long to train."""

    net_arch: LayerSizes = (256, 128)
    """Widths of the hidden layers, of actor and critic alike."""
    activation: Activation = "tanh"
    """Non-linearity after each hidden layer."""

    n_steps: PositiveInt = 128
    """Decisions per game between two updates."""
    batch_size: PositiveInt = 4096
    """Samples per gradient step."""
    n_epochs: PositiveInt = 6
    """Passes over the samples of an update."""
    gamma: float = Field(default=0.99, gt=0, lt=1)
    """Discount per decision; at 2 ticks 0.99 looks about 7 s ahead."""
    gae_lambda: float = Field(default=0.95, ge=0, le=1)
    """Bias against variance of the advantages (https://arxiv.org/abs/1506.02438)."""
    learning_rate: Schedule = Schedule.linear(2e-3, 1e-4)
    """Step size of Adam."""
    entropy: Schedule = Schedule.linear(0.02, 0.002)
    """Weight of the entropy bonus; too little of it early ends in scraping along."""
    clip_range: float = Field(default=0.2, gt=0, le=1)
    """Largest change of an action's probability that an update is rewarded for."""
    value_weight: float = Field(default=0.5, ge=0, allow_inf_nan=False)
    """Weight of the critic's loss."""
    max_grad_norm: float = Field(default=0.5, gt=0, allow_inf_nan=False)
    """Longest gradient."""
    target_kl: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Divergence from the old policy that ends an update early."""

    collection: CollectionOptions | None = None
    """How workers collect experience while the learner learns; None: it plays itself."""

    evaluation_every: PositiveInt = 500_000
    """Steps between evaluations."""
    evaluation_starts: PositiveInt = 64
    """Starts of an evaluation, always the same."""
    save_every: PositiveInt | None = None
    """Steps between two savings of the state; they do not count if empty."""
    save_minutes: float | None = Field(default=1.0, gt=0, allow_inf_nan=False)
    """Minutes between two savings; they do not count if empty."""
    log_every: PositiveInt = 32_768
    """Steps between two entries of the learner's own metrics."""
    progress_bar: bool = True
    """Show a progress bar on stderr."""
    device: Literal["auto", "cpu", "cuda"] = "cpu"
    """Where to learn; small networks are quickest on the CPU."""

    def agent_spec(self, interface: Mapping[str, str | int], engine: str) -> AgentSpec:
        """Describe the agents of this training.

        Args:
            interface: The environment's ``interface``.
            engine: Engine that the environment runs on.

        Returns:
            Spec of a ppo agent.
        """
        return AgentSpec.model_validate(
            {
                **interface,
                "engine": engine,
                "algorithm": "ppo",
                "net_arch": self.net_arch,
                "activation": self.activation,
            }
        )


class ScheduledPPO(PPO):
    """SB3's PPO whose schedules follow a budget, with one for the entropy bonus.

    SB3 draws actions and shuffles samples from the global generators of torch
    and numpy, which it seeds; this cannot be avoided here.

    Args:
        options: How to train.
        env: Training environment.
        clock: Progress of the budget.
        seed: Seed of everything random.
    """

    def __init__(self, options: PPOOptions, env: VecEnv, clock: BudgetClock, seed: int) -> None:
        self._options = options
        self._clock = clock
        super().__init__(
            "MlpPolicy",
            env,
            learning_rate=lambda remaining: options.learning_rate(1.0 - remaining),
            n_steps=options.n_steps,
            batch_size=options.batch_size,
            n_epochs=options.n_epochs,
            gamma=options.gamma,
            gae_lambda=options.gae_lambda,
            clip_range=options.clip_range,
            vf_coef=options.value_weight,
            max_grad_norm=options.max_grad_norm,
            target_kl=options.target_kl,
            policy_kwargs={
                "net_arch": list(options.net_arch),
                "activation_fn": ACTIVATIONS[options.activation],
                "optimizer_kwargs": {"fused": True, "eps": 1e-5},
            },
            seed=seed,
            device=options.device,
        )

    def train(self) -> None:
        """Update from the latest steps.

        Raises:
            TrainingDivergedError: If a weight is no longer finite.
        """
        self.ent_coef = self._options.entropy(1.0 - self._current_progress_remaining)
        self.logger.record("train/entropy_weight", self.ent_coef)
        super().train()
        if not all(torch.isfinite(weights).all() for weights in self.policy.parameters()):
            raise TrainingDivergedError("a weight", self.num_timesteps)

    def _update_current_progress_remaining(self, num_timesteps: int, total_timesteps: int) -> None:
        self._current_progress_remaining = 1.0 - self._clock.progress(num_timesteps)


def extract_agent(spec: AgentSpec, model: PPO) -> Agent:
    """Copy the weights of SB3's policy under our own names.

    Args:
        spec: Spec of the agent.
        model: SB3's learner, its policy of the spec's shape.

    Returns:
        Agent with the present weights and an empty card.
    """
    state = model.policy.state_dict()
    names = _our_names(spec)
    return Agent(spec, {ours: state[theirs].cpu().numpy() for theirs, ours in names.items()})


def load_weights(model: PPO, agent: Agent) -> None:
    """Copy an agent's weights into SB3's policy.

    Args:
        model: SB3's learner, its policy of the agent's shape.
        agent: A ppo agent.
    """
    names = _our_names(agent.spec)
    weights = {theirs: torch.tensor(agent.weights[ours]) for theirs, ours in names.items()}
    model.policy.load_state_dict(weights)


def _our_names(spec: AgentSpec) -> dict[str, str]:
    """Our names of SB3's weights.

    ``mlp_extractor.policy_net.{2i}`` is ``actor.linear.{i}`` and ``action_net`` is
    ``actor_output``; ``mlp_extractor.value_net.{2i}`` is ``critic.linear.{i}`` and
    ``value_net`` is ``critic_output`` (SB3 counts the non-linearities in between).
    """
    names = {"action_net": "actor_output", "value_net": "critic_output"}
    for layer in range(len(spec.net_arch)):
        names[f"mlp_extractor.policy_net.{2 * layer}"] = f"actor.linear.{layer}"
        names[f"mlp_extractor.value_net.{2 * layer}"] = f"critic.linear.{layer}"
    return {
        f"{theirs}.{kind}": f"{ours}.{kind}"
        for theirs, ours in names.items()
        for kind in ("weight", "bias")
    }
