"""Options of an environment."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from qwop_wr.envs.actions import ACTION_SETS
from qwop_wr.envs.observations import OBSERVATIONS
from qwop_wr.envs.shaping import ShapingOptions
from qwop_wr.envs.velocity import VelocityOptions
from qwop_wr.options import Options
from qwop_wr.renames import present_name
from qwop_wr.simulator import Simulator, make_simulator
from qwop_wr.simulator.constants import GROUND_Y

Engine = Literal["exact", "box2d"]
Platform = Literal["chromium", "firefox", "chromium110", "node"]
Actions = Literal["minimal", "qwop_gym", "full"]
Observation = Literal["egocentric", "absolute"]
Reward = Literal["time", "qwop_gym"]
Amount = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class EnvironmentOptions(Options):
    """How the game is presented to an agent.

    The runs that an agent can make depend on ``engine``, ``platform``, ``ticks_per_action`` and
    ``actions``, its input on ``observation``; the rest sets rewards and the end of an episode.
    """

    engine: Engine = "exact"
    """Physics: the browser game's own, bit for bit, or stock Box2D."""

    platform: Platform = "chromium"
    """Browsers whose sine and cosine the exact engine uses, see ``BROWSERS``."""

    ticks_per_action: int = Field(default=1, ge=1, le=30)
    """Ticks of 1/30 s for which a decision holds its keys; a human's taps last about 3."""

    actions: Actions = "minimal"
    """Key sets to choose from, see ``ACTION_SETS``."""

    observation: Observation = "egocentric"
    """What the agent sees, see ``OBSERVATIONS``."""

    reward: Reward = "time"
    """Progress against ticks, or the speed reward that circulates since qwop-gym."""

    metre_reward: Amount = 1.0
    """Reward per metre of progress of the torso (``time``)."""

    tick_cost: Amount = 0.01
    """Subtracted per tick (``time``)."""

    fall_cost: Amount = 0.0
    """Subtracted when the runner falls or sinks (``time``)."""

    speed_reward: Amount = 0.01
    """Reward per m/s on a clock ten times slower than the game's (``qwop_gym``)."""

    time_cost: Amount = 10.0
    """Subtracted per second on that clock, divided by ``ticks_per_action`` (``qwop_gym``)."""

    success_reward: Amount = 50.0
    """Added when the runner finishes (``qwop_gym``)."""

    failure_cost: Amount = 10.0
    """Subtracted when the runner falls or sinks (``qwop_gym``)."""

    velocity: VelocityOptions | None = None
    """The published recipe's bonus for speed, added to the reward; none by default."""

    shaping: ShapingOptions | None = None
    """Terms for how the runner moves, added to the reward; none by default."""

    max_ticks: int = Field(default=3000, ge=1, le=100_000)
    """The episode is truncated at the end of the decision that reaches so many ticks."""

    idle_ticks: int = Field(default=0, ge=0, le=600)
    """Most ticks without keys, on the clock, before the first decision; each seed draws 0 to that.

    The runner has been seen to stand for 600 ticks without keys.
    """

    sticky: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Probability that a decision is ignored and the last keys are held on."""

    sink_height: float | None = Field(default=None, gt=-1.0, lt=GROUND_Y)
    """The episode ends when the torso's y exceeds this [units, y points down]; never if null.

    Upright running stays under 0.75 in 99 % of ticks, scraping along on the
    knees is above 2; 1.3 parts them.
    """

    @field_validator("actions", "reward", mode="before")
    @classmethod
    def _present_name(cls, name: object) -> object:
        return present_name(name)

    def make_games(self, n_games: int = 1) -> Simulator:
        """Makes games on the engine and the platform, each after a hard reset."""
        return make_simulator(self.engine, n_games, self.platform)

    @property
    def interface(self) -> dict[str, str | int]:
        """Properties that an agent must match to act in this environment."""
        return {
            "observation": self.observation,
            "actions": self.actions,
            "ticks_per_action": self.ticks_per_action,
            "n_observations": len(OBSERVATIONS[self.observation]),
            "n_actions": len(ACTION_SETS[self.actions]),
        }

    @classmethod
    def from_keywords(cls, keywords: Mapping[str, object]) -> "EnvironmentOptions":
        """Builds options from field names and values.

        Raises:
            ValueError: If a name is unknown or a value is wrong; says in one line which
                and what would be right.
        """
        try:
            return cls.model_validate(dict(keywords))
        except ValidationError as error:
            faults = error.errors(include_url=False)
        raise ValueError("; ".join(_describe(fault, tuple(cls.model_fields)) for fault in faults))


def _describe(fault: ErrorDetails, known: tuple[str, ...]) -> str:
    name = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"there is no environment option {name!r}; there are {', '.join(known)}"
    requirement = fault["msg"][:1].lower() + fault["msg"][1:]
    return f"environment option {name} is {fault['input']!r}, but {requirement}"
