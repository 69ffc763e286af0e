"""What must be known about an agent before its weights mean anything."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, PositiveInt, model_validator

Algorithm = Literal["ppo", "qrdqn"]
Activation = Literal["tanh", "relu"]
LayerSizes = Annotated[tuple[PositiveInt, ...], Field(min_length=1)]


class AgentSpec(BaseModel):
    """Interface, network and origin of an agent.

    Two agents of equal spec have weights of equal names and shapes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    algorithm: Algorithm
    """Learner that made it, hence the kind of network."""
    observation: str = Field(min_length=1)
    """Name of the observation it reads."""
    actions: str = Field(min_length=1)
    """Name of the action set it chooses from."""
    ticks_per_action: PositiveInt
    """Ticks that one decision lasts."""
    n_observations: PositiveInt
    """Length of an observation."""
    n_actions: PositiveInt
    """Number of actions."""
    engine: str = Field(min_length=1)
    """Engine it was last trained on; it may run on others."""
    net_arch: LayerSizes = (256, 128)
    """Widths of the hidden layers."""
    activation: Activation = "relu"
    """Non-linearity after each hidden layer."""
    layer_norm: bool = False
    """Whether hidden layers are normalised before the non-linearity (qrdqn only)."""
    n_quantiles: PositiveInt | None = None
    """Quantiles of the return per action (qrdqn only)."""
    dueling: bool = False
    """Whether the state's value has a head of its own (qrdqn only)."""
    reward_scale: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """Rewards were multiplied by this in learning; values are divided by it."""

    @model_validator(mode="after")
    def _fits_algorithm(self) -> "AgentSpec":
        if self.algorithm == "qrdqn" and self.n_quantiles is None:
            raise ValueError("a qrdqn agent needs n_quantiles, for example 32")
        quantile_only = self.n_quantiles is not None or self.layer_norm or self.dueling
        if self.algorithm == "ppo" and quantile_only:
            raise ValueError(
                "a ppo agent has neither n_quantiles nor layer_norm nor dueling; leave them out"
            )
        return self

    def identity(self) -> dict[str, JsonValue]:
        """List what makes two specs differ.

        Returns:
            All fields; ``dueling``, which came later, only where it is set, so that the
            fingerprints of older agents stay what they were.
        """
        return self.model_dump(mode="json", exclude=None if self.dueling else {"dueling"})

    def check_interface(self, interface: Mapping[str, str | int]) -> None:
        """Make sure that an environment is one the agent can act in.

        Args:
            interface: The environment's values of ``observation``, ``actions``,
                ``ticks_per_action``, ``n_observations`` and ``n_actions``.

        Raises:
            ValueError: Naming the first value that differs or is missing.
        """
        for key in ("observation", "actions", "ticks_per_action", "n_observations", "n_actions"):
            wanted = getattr(self, key)
            if key not in interface:
                raise ValueError(f"the environment's interface does not say its {key!r}")
            if interface[key] != wanted:
                raise ValueError(
                    f"the agent was trained with {key} = {wanted!r}, but the environment has "
                    f"{interface[key]!r}; change the environment or choose another agent"
                )
