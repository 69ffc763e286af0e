"""How a pipeline plays the game: how many at once, and how they differ from the shared one."""

from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator

from qwop_wr.agents.state import TrainingState
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.envs.shaping import ShapingOptions
from qwop_wr.envs.velocity import VelocityOptions


class GamesOptions(BaseModel):
    """Games played side by side, with overrides of the shared environment.

    A field left empty keeps the value of the shared environment. What an agent
    must match (observation, actions, ticks per action) cannot be overridden.

    Attributes:
        n_games: Games stepped together.
        idle_ticks: Each game begins with up to so many ticks without keys.
        sticky: Probability that a decision repeats the last keys.
        sink_height: Torso height [units, down] below which an episode ends.
        max_ticks: Ticks after which an episode is truncated.
        metre_reward: Reward per metre.
        tick_cost: Cost per tick.
        fall_cost: Cost of a fall.
        velocity: The published recipe's bonus for speed, added to the reward.
        shaping: Terms for how the runner moves, added to the reward.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_games: Annotated[int, Field(ge=1, le=4096)]
    idle_ticks: int | None = None
    sticky: float | None = None
    sink_height: float | None = None
    max_ticks: int | None = None
    metre_reward: float | None = None
    tick_cost: float | None = None
    fall_cost: float | None = None
    velocity: VelocityOptions | None = None
    shaping: ShapingOptions | None = None

    @model_validator(mode="after")
    def _in_range(self) -> "GamesOptions":
        EnvironmentOptions.from_keywords(self._overrides())
        return self

    def environment(self, shared: EnvironmentOptions) -> EnvironmentOptions:
        """Apply the overrides.

        Args:
            shared: The environment that all pipelines share.

        Returns:
            The environment as these games use it.
        """
        return EnvironmentOptions.model_validate({**shared.model_dump(), **self._overrides()})

    def _overrides(self) -> dict[str, Any]:
        return self.model_dump(exclude={"n_games"}, exclude_none=True)


def platform_of(training: TrainingState) -> str | None:
    """Returns the platform of the games that were learnt in; None if their engine has none."""
    _, games = cast("tuple[int, dict[str, str]]", training.facts["games"])
    return games["platform"] if games["engine"] == "exact" else None
