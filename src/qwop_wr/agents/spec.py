"""The spec of an agent: its interface and network."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

from qwop_wr.renames import first_name, present_name

Algorithm = Literal["ppo", "qrdqn", "recurrent_ppo"]
Activation = Literal["tanh", "relu"]

MAX_LAYERS: Final = 16
"""Most hidden layers. A file of a megabyte could ask for half a million."""
MAX_SIZE: Final = 65_536
"""Largest value of anything that is counted, such as a layer's units."""

Size = Annotated[int, Field(ge=1, le=MAX_SIZE)]
LayerSizes = Annotated[tuple[Size, ...], Field(min_length=1, max_length=MAX_LAYERS)]


class AgentSpec(BaseModel):
    """Interface, network and origin of an agent.

    Two agents of equal spec have weights of equal names and shapes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    algorithm: Algorithm
    """Learner that made it, hence the kind of network."""
    observation: str = Field(min_length=1)
    """Name of its observation."""
    actions: str = Field(min_length=1)
    """Name of its action set."""
    ticks_per_action: Size
    """Ticks per decision."""
    n_observations: Size
    """Length of an observation."""
    n_actions: Size
    """Number of actions."""
    engine: str = Field(min_length=1)
    """Engine it was last trained on; it may run on others."""
    net_arch: LayerSizes = (256, 128)
    """Widths of the hidden layers."""
    activation: Activation = "relu"
    """Non-linearity after each hidden layer."""
    layer_norm: bool = False
    """Whether hidden layers are normalised before the non-linearity (qrdqn only)."""
    n_quantiles: Size | None = None
    """Quantiles of the return per action (qrdqn only)."""
    lstm_size: Size | None = None
    """Width of the LSTM before the hidden layers (recurrent_ppo only)."""
    dueling: bool = False
    """Whether the state's value has a head of its own (qrdqn only)."""
    reward_scale: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """Rewards were multiplied by this in learning; values are divided by it."""

    @field_validator("actions", mode="before")
    @classmethod
    def _present_name(cls, name: object) -> object:
        return present_name(name)

    @model_validator(mode="after")
    def _fits_algorithm(self) -> "AgentSpec":
        if self.algorithm == "qrdqn" and self.n_quantiles is None:
            raise ValueError("a qrdqn agent needs n_quantiles, for example 32")
        quantile_only = self.n_quantiles is not None or self.layer_norm or self.dueling
        if self.algorithm != "qrdqn" and quantile_only:
            raise ValueError(
                f"a {self.algorithm} agent has neither n_quantiles nor layer_norm nor dueling; "
                "leave them out"
            )
        if (self.algorithm == "recurrent_ppo") != (self.lstm_size is not None):
            raise ValueError("lstm_size belongs to a recurrent_ppo agent, which needs it")
        return self

    def identity(self) -> dict[str, JsonValue]:
        """Returns the fields that make two specs differ.

        Later fields, ``dueling`` and ``lstm_size``, appear only where set and actions by
        their first name, so that the fingerprints of older agents do not change.
        """
        unset = {name for name in ("dueling", "lstm_size") if not getattr(self, name)}
        fields = self.model_dump(mode="json", exclude=unset)
        return {**fields, "actions": first_name(self.actions)}

    def check_interface(self, interface: Mapping[str, str | int]) -> None:
        """Checks that the agent can act in an environment with this ``interface``.

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

    def check_continues(self, earlier: "AgentSpec", agent: str, training: str) -> None:
        """Checks that a training of such agents can continue from an agent of another spec.

        Engines may differ; ``agent`` and ``training`` name both sides in the error.

        Raises:
            ValueError: Naming the first difference.
        """
        for name in type(self).model_fields:
            if name != "engine" and getattr(earlier, name) != getattr(self, name):
                raise ValueError(
                    f"{agent} has {name} = {getattr(earlier, name)!r}, "
                    f"but {training} asks for {getattr(self, name)!r}"
                )
