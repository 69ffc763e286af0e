"""What each algorithm takes, named as stable-baselines3 names it where it is the same thing."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PositiveInt

from qwop_wr.agents.schedules import Schedule
from qwop_wr.agents.spec import Activation, AgentSpec, LayerSizes
from qwop_wr.errors import suggest

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Discount = Annotated[float, Field(gt=0, lt=1)]


class Learning(BaseModel):
    """What all algorithms take."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    algorithm: str
    """Name of the algorithm."""
    net_arch: LayerSizes = (64, 64)
    """Widths of the hidden layers."""
    activation: Activation = "tanh"
    """Non-linearity after each hidden layer."""
    gamma: Discount = 0.99
    """Discount per decision."""
    learning_rate: Schedule = Schedule.constant(3e-4)
    """Step size of the optimiser."""

    def agent_spec(self, interface: Mapping[str, str | int], engine: str) -> AgentSpec:
        """Describe the agents of this algorithm.

        Args:
            interface: The environment's ``interface``.
            engine: Engine that the environment runs on.

        Returns:
            Spec of the agents, which names the kind of network as ``algorithm``.
        """
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
    """What algorithms take that learn from what they have just played."""

    n_steps: PositiveInt = 2048
    """Decisions per game between two updates."""
    gae_lambda: Share = 0.95
    """Bias against variance of the advantages (https://arxiv.org/abs/1506.02438)."""
    entropy: Schedule = Schedule.constant(0.0)
    """Weight of the entropy bonus."""
    value_weight: float = Field(default=0.5, ge=0, allow_inf_nan=False)
    """Weight of the critic's loss."""
    max_grad_norm: Positive = 0.5
    """Longest gradient."""


class PPOLearning(OnPolicyLearning):
    """PPO (https://arxiv.org/abs/1707.06347): stable-baselines3's, or our own (``own_ppo``)."""

    algorithm: Literal["ppo", "own_ppo"]
    batch_size: PositiveInt = 64
    """Samples per gradient step."""
    n_epochs: PositiveInt = 10
    """Passes over the samples of an update."""
    clip_range: Share = 0.2
    """Largest change of an action's probability that an update is rewarded for."""
    target_kl: Positive | None = None
    """Divergence from the old policy that ends an update early."""


class RecurrentPPOLearning(PPOLearning):
    """PPO with an LSTM before actor and critic each (sb3-contrib)."""

    algorithm: Literal["recurrent_ppo"]  # type: ignore[assignment]  # another name
    n_steps: PositiveInt = 128
    """Decisions per game between two updates."""
    batch_size: PositiveInt = 128
    """Samples per gradient step."""
    lstm_size: PositiveInt = 256
    """Width of each LSTM."""

    def _network(self) -> dict[str, Any]:
        return {"algorithm": "recurrent_ppo", "lstm_size": self.lstm_size}


class A2CLearning(OnPolicyLearning):
    """A2C, the synchronous A3C (https://arxiv.org/abs/1602.01783), of stable-baselines3."""

    algorithm: Literal["a2c"]
    n_steps: PositiveInt = 5
    """Decisions per game between two updates."""
    gae_lambda: Share = 1.0
    """Bias against variance of the advantages; 1 is the classic advantage."""
    learning_rate: Schedule = Schedule.constant(7e-4)
    """Step size of RMSprop."""


class ValueLearning(Learning):
    """What algorithms take that learn action values from a replay buffer.

    ``train_freq`` and ``target_update_interval`` are counted as stable-baselines3 counts
    them: a step is one decision in one game, but ``train_freq`` counts decisions of all
    games at once. With 8 games, an interval of 512 and a frequency of 4 the target network is
    therefore copied every 512 / 8 / 4 = 16 gradient steps, see ``gradient_steps_per_target``.
    """

    activation: Activation = "relu"
    """Non-linearity after each hidden layer."""
    learning_rate: Schedule = Schedule.constant(1e-4)
    """Step size of Adam."""
    layer_norm: bool = False
    """Normalise before the non-linearity (https://arxiv.org/abs/2302.02948)."""
    buffer_size: PositiveInt = 1_000_000
    """Steps that are remembered."""
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
    tau: Share = 1.0
    """Share of the online weights in the target after a copy."""
    exploration: Schedule = Schedule(start=1.0, end=0.05, until=0.1)
    """Probability that all games act at random."""
    max_grad_norm: Positive | None = 10.0
    """Longest gradient; not clipped if null."""
    adam_eps: Positive = 1e-8
    """Added to the root of Adam's second moment."""

    def gradient_steps_per_target(self, n_games: int) -> float:
        """Tell how often the target is copied, in the unit that stability depends on.

        Args:
            n_games: Games played side by side.

        Returns:
            Gradient steps between two copies.
        """
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
    """Step size of Adam."""
    max_grad_norm: Positive | None = None
    """Longest gradient; not clipped if null."""
    adam_eps: Positive | None = None  # type: ignore[assignment]  # sb3-contrib's own
    """Added to the root of Adam's second moment; 0.01 / ``batch_size`` if null."""
    exploration: Schedule = Schedule(start=1.0, end=0.01, until=0.005)
    """Probability that all games act at random."""

    def _network(self) -> dict[str, Any]:
        return {**super()._network(), "n_quantiles": self.n_quantiles}


_MODELS: tuple[type[Learning], ...] = (
    QRDQNLearning,
    DQNLearning,
    PPOLearning,
    A2CLearning,
    RecurrentPPOLearning,
)


def _algorithms(model: type[Learning]) -> tuple[str, ...]:
    annotation: Any = model.model_fields["algorithm"].annotation
    names: tuple[str, ...] = annotation.__args__
    return names


ALGORITHMS = {name: model for model in _MODELS for name in _algorithms(model)}
"""Options by the algorithm's name."""


def _known_options(value: object) -> object:
    """Tell unknown algorithms and options by what would be right for that algorithm."""
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
    Annotated[
        QRDQNLearning | DQNLearning | PPOLearning | A2CLearning | RecurrentPPOLearning,
        Field(discriminator="algorithm"),
    ],
    BeforeValidator(_known_options),
]
"""Options of any algorithm, told apart by ``algorithm``."""
