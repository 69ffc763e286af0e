"""Options of trainings and of every algorithm, named as in stable-baselines3 where they agree."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, cast, get_args

from pydantic import (
    BeforeValidator,
    Field,
    NonNegativeInt,
    PositiveInt,
    field_validator,
    model_validator,
)

from qwop_wr.agents.metrics import tensorboard_is_installed
from qwop_wr.agents.replay.sampling import PriorityOptions
from qwop_wr.agents.schedules import BudgetClock, Schedule, TrainingBudget
from qwop_wr.agents.spec import Activation, AgentSpec, LayerSizes
from qwop_wr.agents.state import TrainingState
from qwop_wr.errors import suggest
from qwop_wr.options import Options

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Discount = Annotated[float, Field(gt=0, lt=1)]


class Learning(Options):
    """Options that all algorithms share."""

    net_arch: LayerSizes = (64, 64)
    """Widths of the hidden layers."""
    activation: Activation = "tanh"
    """Non-linearity after each hidden layer."""
    gamma: Discount = 0.99
    """Discount per decision."""
    learning_rate: Schedule = Schedule.constant(3e-4)
    """Step size of the optimiser."""

    def agent_spec(self, interface: Mapping[str, str | int], engine: str) -> AgentSpec:
        """Returns the spec of the agents on the given environment interface."""
        return AgentSpec.model_validate(
            {
                **interface,
                "engine": engine,
                "net_arch": self.net_arch,
                "activation": self.activation,
                **self._network(),
            }
        )

    def _network(self) -> dict[str, Any]:
        return {"algorithm": "ppo"}


class OnPolicyLearning(Learning):
    """Options of the algorithms that learn from their latest rollout."""

    n_steps: PositiveInt = 2048
    """Decisions per game between two updates."""
    gae_lambda: Share = 0.95
    """Bias against variance of the advantages (https://arxiv.org/abs/1506.02438)."""
    entropy: Schedule = Schedule.constant(0.0)
    """Weight of the entropy bonus."""
    value_weight: float = Field(default=0.5, ge=0, allow_inf_nan=False)
    """Weight of the critic's loss."""
    max_grad_norm: Positive = 0.5
    """Largest norm of a gradient."""


class PPOLearning(OnPolicyLearning):
    """PPO (https://arxiv.org/abs/1707.06347), stable-baselines3's or our own (``own_ppo``)."""

    algorithm: Literal["ppo", "own_ppo"]
    batch_size: PositiveInt = 64
    """Samples per gradient step."""
    n_epochs: PositiveInt = 10
    """Passes over the samples of an update."""
    clip_range: Share = 0.2
    """Change of an action's probability ratio beyond which an update is not rewarded."""
    target_kl: Positive | None = None
    """Divergence from the old policy that ends an update early."""


class RecurrentPPOLearning(PPOLearning):
    """PPO with an LSTM before actor and critic each (sb3-contrib)."""

    algorithm: Literal["recurrent_ppo"]  # type: ignore[assignment]  # another name
    n_steps: PositiveInt = 128
    batch_size: PositiveInt = 128
    lstm_size: PositiveInt = 256
    """Width of each LSTM."""

    def _network(self) -> dict[str, Any]:
        return {"algorithm": "recurrent_ppo", "lstm_size": self.lstm_size}


class A2CLearning(OnPolicyLearning):
    """A2C, the synchronous A3C (https://arxiv.org/abs/1602.01783), of stable-baselines3."""

    algorithm: Literal["a2c"]
    n_steps: PositiveInt = 5
    gae_lambda: Share = 1.0
    """Bias against variance of the advantages; 1 is the classic advantage."""
    learning_rate: Schedule = Schedule.constant(7e-4)
    """Step size of RMSprop."""


class ValueLearning(Learning):
    """Options of the algorithms that learn action values from a replay buffer.

    Counted as in stable-baselines3: a step of ``target_update_interval`` is one decision in
    one game, one of ``train_freq`` a decision in all games. With 8 games, an interval of 512
    and a frequency of 4 the target network is therefore copied every 512 / 8 / 4 = 16
    gradient steps, see ``gradient_steps_per_target``.
    """

    algorithm: str
    activation: Activation = "relu"
    learning_rate: Schedule = Schedule.constant(1e-4)
    """Step size of Adam."""
    layer_norm: bool = False
    """Normalise before the non-linearity (https://arxiv.org/abs/2302.02948)."""
    buffer_size: PositiveInt = 1_000_000
    """Capacity in steps."""
    learning_starts: int = Field(default=100, ge=0)
    """Steps played at random before learning begins."""
    batch_size: PositiveInt = 32
    """Samples per gradient step."""
    train_freq: PositiveInt = 4
    """Decisions of all games at once between two updates."""
    gradient_steps: PositiveInt = 1
    """Gradient steps per update."""
    target_update_interval: PositiveInt = 10_000
    """Steps between two copies into the target network."""
    exploration: Schedule = Schedule(start=1.0, end=0.05, until=0.1)
    """Probability that all games act at random."""
    max_grad_norm: Positive | None = 10.0
    """Largest norm of a gradient; not clipped if null."""
    adam_eps: Positive = 1e-8
    """Added to the root of Adam's second moment."""

    def gradient_steps_per_target(self, n_games: int) -> float:
        """Returns the gradient steps between two copies into the target network."""
        calls = max(self.target_update_interval // n_games, 1)
        return calls * self.gradient_steps / self.train_freq

    def _network(self) -> dict[str, Any]:
        # A network of one quantile is a network of plain action values.
        return {"algorithm": "qrdqn", "n_quantiles": 1, "layer_norm": self.layer_norm}


class DQNLearning(ValueLearning):
    """DQN (https://doi.org/10.1038/nature14236) and double DQN (https://arxiv.org/abs/1509.06461)."""

    algorithm: Literal["dqn", "double_dqn"]


class QRDQNLearning(ValueLearning):
    """QR-DQN (https://arxiv.org/abs/1710.10044) as sb3-contrib learns it."""

    algorithm: Literal["qrdqn"]
    n_quantiles: PositiveInt = 200
    """Quantiles of the return per action."""
    learning_rate: Schedule = Schedule.constant(5e-5)
    max_grad_norm: Positive | None = None
    adam_eps: Positive | None = None  # type: ignore[assignment]  # sb3-contrib's own
    """Added to the root of Adam's second moment; 0.01 / ``batch_size`` if null."""
    exploration: Schedule = Schedule(start=1.0, end=0.01, until=0.005)

    def _network(self) -> dict[str, Any]:
        return {**super()._network(), "n_quantiles": self.n_quantiles}


class DemonstrationLearning(Learning):
    """Our QR-DQN, which also learns from demonstrations and its own fastest finishes."""

    net_arch: LayerSizes = (256, 128)
    activation: Activation = "relu"
    layer_norm: bool = True
    """Normalise the hidden layers, which keeps values from running away."""
    dueling: bool = False
    """Give the state's value a head of its own."""
    n_quantiles: PositiveInt = 16
    """Quantiles of the return per action."""
    device: Literal["auto", "cpu", "cuda"] = "cpu"
    """Where to learn; small networks are quickest on the CPU."""

    n_steps: PositiveInt = 10
    """Rewards summed before a value is bootstrapped."""
    one_step_weight: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    """Weight of a one-step loss beside the n-step one; DQfD has 1."""
    reward_scale: Positive = 10.0
    """Factor on rewards that brings the gaps between actions near 1."""

    buffer_size: PositiveInt = 500_000
    """Capacity in own steps, all games together."""
    warmup_steps: NonNegativeInt = 50_000
    """Steps that the policy plays before the first update, to fill the buffer."""
    batch_size: PositiveInt = 512
    """Samples per gradient step, demonstrations included."""
    replay_ratio: Positive = 4.0
    """Samples learnt from per step played."""
    priorities: PriorityOptions | None = None
    """Prioritised replay; uniform replay if null."""
    learning_rate: Schedule = Schedule.linear(6e-4, 2e-5)
    """Step size of Adam."""
    max_grad_norm: Positive = 10.0
    """Largest norm of a gradient."""
    l2: float = Field(default=1e-5, ge=0, allow_inf_nan=False)
    """Weight decay: adds l2 / 2 times the sum of the squared weights to the loss."""
    target_period: PositiveInt = 500
    """Gradient steps between two copies into the target network."""
    average_decay: float = Field(default=0.999, ge=0, lt=1)
    """Decay per gradient step of the averaged weights, which are evaluated and handed on;
    0 takes the online network's own, which are noisier."""

    exploration: Schedule = Schedule.constant(0.0)
    """Share of random actions."""

    demonstration_share: Schedule = Schedule.constant(0.0)
    """Share of each batch that is demonstrated; 0 leaves demonstrations out."""
    demonstration_storage: Literal["own", "shared"] = "own"
    """A permanent buffer of their own; or shared with experience, where their share of a
    batch varies and they are forgotten when it is full (for comparison only)."""
    elite_share: Schedule = Schedule.constant(0.0)
    """Share of each batch that comes from the learner's own fastest finishes."""
    elite_runs: PositiveInt = 50
    """Finishes kept for that."""
    margin: float = Field(default=0.8, ge=0, allow_inf_nan=False)
    """Distance by which a demonstrated or elite action should lead, in scaled rewards."""
    margin_weight: Schedule = Schedule.linear(1.0, 0.5)
    """Weight of the margin loss; falling, so that the demonstrator is no upper limit."""
    pretraining_steps: NonNegativeInt = 0
    """Gradient steps on demonstrations alone before the first rollout; the level of the
    values is set to the demonstrations' returns first."""
    pretraining_learning_rate: Positive = 2e-3
    """Step size of Adam in pre-training."""

    @model_validator(mode="after")
    def _makes_sense(self) -> "DemonstrationLearning":
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

    def _network(self) -> dict[str, Any]:
        return {
            "algorithm": "qrdqn",
            "layer_norm": self.layer_norm,
            "n_quantiles": self.n_quantiles,
            "dueling": self.dueling,
            "reward_scale": self.reward_scale,
        }


BOOKKEEPING: Final = frozenset(
    {"stop_at", "save_every", "save_minutes", "log_every", "progress_bar", "tensorboard", "device"}
)
"""Options that change how a training is watched, saved and stopped, not what it learns."""


class TrainingOptions(Options):
    """How long any algorithm trains, and how it is evaluated, logged and saved."""

    budget: TrainingBudget
    """How long to train; the schedules follow it."""
    stop_at: PositiveInt | None = None
    """Steps after which to stop early, without changing the schedules. A larger value
    continues such a training, except a stage, which has passed its gate."""
    evaluation_every: PositiveInt = 100_000
    """Steps between evaluations."""
    evaluation_starts: PositiveInt = 32
    """Starts of every evaluation."""
    save_every: PositiveInt | None = None
    """Steps between two states. With neither this nor ``save_minutes`` a state follows every
    evaluation."""
    save_minutes: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Minutes between two states."""
    log_every: PositiveInt = 10_000
    """Steps between two entries of the algorithm's own metrics."""
    progress_bar: bool = True
    """Show a progress bar on stderr."""
    tensorboard: str | None = None
    """Folder for TensorBoard's event files; none are written if null."""

    @field_validator("tensorboard")
    @classmethod
    def _is_available(cls, folder: str | None) -> str | None:
        if folder is not None and not tensorboard_is_installed():
            raise ValueError("TensorBoard is not installed; pip install '.[tensorboard]'")
        return folder

    def progress(self, steps: int, clock: BudgetClock) -> float:
        """Returns the share of the training that is over, 1 from ``stop_at`` on."""
        is_stopped = self.stop_at is not None and steps >= self.stop_at
        return 1.0 if is_stopped else clock.progress(steps)

    def is_over(self, state: TrainingState) -> bool:
        """Returns whether the training has diverged or used up its budget."""
        steps, seconds = cast("int", state.facts["steps"]), cast("float", state.facts["seconds"])
        clock = BudgetClock(self.budget, used=seconds)
        diverged = state.facts["diverged_at"] is not None
        return state.finished and (diverged or self.progress(steps, clock) >= 1.0)


class PPOOptions(TrainingOptions, PPOLearning):
    """A training with PPO: algorithm and budget in one block."""

    algorithm: Literal["own_ppo", "ppo"] = "own_ppo"
    """Ours, vectorised; or stable-baselines3's."""
    net_arch: LayerSizes = (256, 128)
    """Widths of the hidden layers, of actor and critic alike."""
    n_steps: PositiveInt = 256
    batch_size: PositiveInt = 4096
    n_epochs: PositiveInt = 6
    gamma: float = Field(default=0.995, gt=0, lt=1)
    """Discount per decision; at one tick 0.995 looks about 7 s ahead."""
    learning_rate: Schedule = Schedule.linear(2e-3, 1e-4)
    """Step size of Adam."""
    entropy: Schedule = Schedule.linear(0.02, 0.002)
    """Weight of the entropy bonus; too little early on leads to scraping along."""
    evaluation_every: PositiveInt = 500_000
    evaluation_starts: PositiveInt = 64
    save_minutes: float | None = Field(default=1.0, gt=0, allow_inf_nan=False)
    log_every: PositiveInt = 32_768


_AnyLearning = QRDQNLearning | DQNLearning | PPOLearning | A2CLearning | RecurrentPPOLearning

ALGORITHMS: dict[str, type[Learning]] = {
    name: model
    for model in get_args(_AnyLearning)
    for name in get_args(model.model_fields["algorithm"].annotation)
}
"""Options by the algorithm's name."""


def _known_options(value: object) -> object:
    """Refuses unknown algorithms and options; the error names the known ones."""
    if not isinstance(value, Mapping):
        return value
    name = value.get("algorithm")
    known = ", ".join(ALGORITHMS)
    if name is None:
        raise ValueError(f"algorithm is missing; known: {known}")
    if name not in ALGORITHMS:
        hint = suggest(str(name), ALGORITHMS)
        hint = hint if hint.startswith("did") else f"known: {known}"
        raise ValueError(f"there is no algorithm {name!r}; {hint}")
    takes = ALGORITHMS[name].model_fields
    if unknown := sorted(value.keys() - takes.keys()):
        raise ValueError(
            f"{name} does not take {unknown[0]!r}; it takes {', '.join(sorted(takes))}"
        )
    return value


LearningOptions = Annotated[
    Annotated[_AnyLearning, Field(discriminator="algorithm")],
    BeforeValidator(_known_options),
]
"""Options of any algorithm, told apart by ``algorithm``."""
