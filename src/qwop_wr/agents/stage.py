"""One stage of value learning: its options and its result."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, model_validator

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.budget import TrainingBudget
from qwop_wr.agents.coaching import CoachingOptions
from qwop_wr.agents.gate import GateReport
from qwop_wr.agents.health import HealthOptions, HealthReport
from qwop_wr.agents.replay.sampling import PriorityOptions
from qwop_wr.agents.schedules import Schedule
from qwop_wr.agents.spec import Activation, AgentSpec, LayerSizes


class MunchausenOptions(BaseModel):
    """Munchausen learning (https://arxiv.org/abs/2007.14430) in place of double-Q."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    weight: float = Field(default=0.9, ge=0, le=1)
    """Share of the log-policy that is added to the reward."""
    temperature: float = Field(default=0.03, gt=0, allow_inf_nan=False)
    """Of the softmax policy, in scaled rewards."""
    floor: float = Field(default=-1.0, lt=0, allow_inf_nan=False)
    """Least that is added, before the weight."""


class StageOptions(BaseModel):
    """How a stage learns; stages differ in nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    budget: TrainingBudget
    """How long the stage may learn; pre-training counts in minutes, not in steps."""

    net_arch: LayerSizes = (256, 128)
    """Widths of the hidden layers."""
    activation: Activation = "relu"
    """Non-linearity after each hidden layer."""
    layer_norm: bool = True
    """Normalise the hidden layers, which keeps values from running away."""
    dueling: bool = False
    """Give the state's value a head of its own."""
    n_quantiles: PositiveInt = 16
    """Quantiles of the return per action."""

    gamma: float = Field(default=0.99, gt=0, lt=1)
    """Discount per decision."""
    n_steps: PositiveInt = 5
    """Rewards summed before a value is bootstrapped."""
    one_step_weight: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    """Weight of a one-step loss beside the n-step one; DQfD has 1."""
    munchausen: MunchausenOptions | None = None
    """Soft targets with the log-policy in the reward; none for double-Q."""
    reward_scale: float = Field(default=10.0, gt=0, allow_inf_nan=False)
    """Factor on rewards that brings the gaps between actions near 1."""

    buffer_size: PositiveInt = 500_000
    """Own steps remembered, all games together."""
    warmup_steps: NonNegativeInt = 50_000
    """Steps played before the first update, to fill the buffer with what is known."""
    batch_size: PositiveInt = 512
    """Samples per gradient step, demonstrations included."""
    replay_ratio: float = Field(default=4.0, gt=0, allow_inf_nan=False)
    """Samples learnt from per step played."""
    priorities: PriorityOptions | None = None
    """Draw samples by their errors; none draws all alike."""
    learning_rate: Schedule = Schedule.linear(3e-4, 2e-5)
    """Step size of Adam."""
    max_grad_norm: float = Field(default=10.0, gt=0, allow_inf_nan=False)
    """Longest gradient."""
    l2: float = Field(default=1e-5, ge=0, allow_inf_nan=False)
    """Pull of all weights towards 0: adds l2 / 2 times the sum of their squares to the loss."""
    target_period: PositiveInt = 500
    """Gradient steps between two updates of the target network."""
    target_rate: float = Field(default=1.0, gt=0, le=1)
    """Share of the online network in such an update; 1 copies it."""

    average_decay: float = Field(default=0.999, ge=0, lt=1)
    """Share of the old average that a gradient step leaves in the weights that are
    evaluated and handed on; 0 takes the learner's own, which are noisier."""

    exploration: Schedule = Schedule.constant(0.0)
    """Share of random actions."""
    exploration_floor: float = Field(default=0.0, ge=0, le=1)
    """Least share of random actions, whatever the schedule says."""

    demonstration_share: Schedule = Schedule.constant(0.0)
    """Share of each batch that is demonstrated; 0 leaves demonstrations out."""
    demonstration_storage: Literal["own", "shared"] = "own"
    """A permanent buffer of their own; or the one of experience, where they are no certain
    share of a batch and are forgotten when it is full (for comparison only)."""
    elite_share: Schedule = Schedule.constant(0.0)
    """Share of each batch that comes from the learner's own fastest finishes."""
    elite_runs: PositiveInt = 50
    """Finishes kept for that."""
    margin: float = Field(default=0.8, ge=0, allow_inf_nan=False)
    """Distance by which a demonstrated or elite action should lead, in scaled rewards."""
    margin_weight: Schedule = Schedule.linear(1.0, 0.5)
    """Weight of the margin loss; falling, so that the demonstrator is no ceiling."""
    pretraining_steps: NonNegativeInt = 0
    """Gradient steps on demonstrations alone before the stage plays; the level of the
    values is set to the demonstrations' returns first."""
    pretraining_learning_rate: float = Field(default=1e-3, gt=0, allow_inf_nan=False)
    """Step size of Adam meanwhile."""

    coaching: CoachingOptions | None = None
    """How the best checkpoint learns from a coach after all that; not at all if empty."""

    evaluation_every: PositiveInt = 100_000
    """Steps between evaluations."""
    evaluation_starts: PositiveInt = 256
    """Starts of an evaluation, always the same."""
    collapse_fraction: float = Field(default=0.7, ge=0, lt=1)
    """Finish rate or mean distance below this share of the best checkpoint's is a collapse;
    0 never sees one."""
    max_rollbacks: NonNegativeInt = 3
    """Collapses that are answered by a return to the best checkpoint with half the
    learning rate."""
    health: HealthOptions | None = None
    """Rule that the learner is held to at the end, for the report."""
    gate_starts: PositiveInt = 1024
    """Starts on which the incoming and the best agent are compared at the end."""
    save_every: PositiveInt | None = None
    """Steps between two savings of the state; they do not count if empty."""
    save_minutes: float | None = Field(default=2.0, gt=0, allow_inf_nan=False)
    """Minutes between two savings, pre-training included; they do not count if empty."""
    log_every: PositiveInt = 10_000
    """Steps between two entries of the learner's own metrics."""
    progress_bar: bool = True
    """Show a progress bar on stderr."""
    device: Literal["auto", "cpu", "cuda"] = "cpu"
    """Where to learn; small networks are quickest on the CPU."""

    @model_validator(mode="after")
    def _makes_sense(self) -> "StageOptions":
        for name in ("exploration", "demonstration_share", "elite_share"):
            if getattr(self, name).maximum > 1:
                raise ValueError(f"{name} is a share and must stay between 0 and 1")
        if self.priorities is not None and self.priorities.beta.maximum > 1:
            raise ValueError("priorities.beta must stay between 0 and 1")
        if self.demonstration_share.maximum + self.elite_share.maximum > 1:
            raise ValueError("demonstration_share and elite_share together exceed 1")
        if self.warmup_steps > self.buffer_size:
            raise ValueError(
                f"warmup_steps {self.warmup_steps} do not fit into buffer_size {self.buffer_size}"
            )
        if self.pretraining_steps and not self.uses_demonstrations:
            raise ValueError("pretraining_steps need a demonstration_share above 0")
        return self

    @property
    def uses_demonstrations(self) -> bool:
        """Whether demonstrations are part of any batch."""
        return self.demonstration_share.maximum > 0

    def agent_spec(self, interface: Mapping[str, str | int], engine: str) -> AgentSpec:
        """Describe the agents of this stage.

        Args:
            interface: The environment's ``interface``.
            engine: Engine that the environment runs on.

        Returns:
            Spec of a qrdqn agent.
        """
        return AgentSpec.model_validate(
            {
                **interface,
                "engine": engine,
                "algorithm": "qrdqn",
                "net_arch": self.net_arch,
                "activation": self.activation,
                "layer_norm": self.layer_norm,
                "n_quantiles": self.n_quantiles,
                "dueling": self.dueling,
                "reward_scale": self.reward_scale,
            }
        )


@dataclass(frozen=True, eq=False)
class StageResult:
    """What a stage hands on.

    Attributes:
        agent: The promoted agent, or the incoming one unchanged.
        history: Metrics in long form: ``step``, ``metric``, ``value``.
        gate: Comparison that decided between the two.
        rollbacks: Collapses that were answered by a return to the best checkpoint.
        health: Whether the learner kept to the stage's rule, if it has one.
    """

    agent: Agent
    history: pd.DataFrame
    gate: GateReport
    rollbacks: int
    health: HealthReport | None
