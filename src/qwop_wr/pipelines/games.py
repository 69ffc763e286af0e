"""The games that a pipeline plays, and PPO trainings in them."""

from typing import Annotated, Any, cast

from pydantic import Field, model_validator

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.learners.options import PPOOptions
from qwop_wr.agents.state import TrainingState
from qwop_wr.agents.training import LearnerTask, LearnerTraining
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv
from qwop_wr.envs.sb3 import QwopVecEnv
from qwop_wr.envs.shaping import ShapingOptions
from qwop_wr.envs.velocity import VelocityOptions
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.protocols import randomised_options
from qwop_wr.options import Options


class GamesOptions(Options):
    """Games played side by side, with overrides of the shared environment.

    A field left empty keeps the value of the shared environment. What an agent
    must match (observation, actions, ticks per action) cannot be overridden.

    Attributes:
        n_games: Games stepped together.
        idle_ticks: Most ticks without keys at the start of a game.
        sticky: Probability that a decision repeats the last keys.
        sink_height: Torso height [units, down] below which an episode ends.
        max_ticks: Ticks after which an episode is truncated.
        velocity: The published recipe's bonus for speed, added to the reward.
        shaping: Terms on the runner's movement, added to the reward.
    """

    n_games: Annotated[int, Field(ge=1, le=4096)] = 32
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


def evaluation_games(n: int, environment: EnvironmentOptions) -> list[QwopVectorEnv]:
    """Create games to evaluate in, in two groups that play side by side."""
    sizes = [n - n // 2, n // 2]
    return [QwopVectorEnv(size, environment, autoreset=False) for size in sizes if size]


def ppo_training(
    options: PPOOptions,
    games: GamesOptions,
    environment: EnvironmentOptions,
    evaluation: EvaluationOptions,
    seed: int,
    *,
    time_to_beat: float | None = None,
    initial: Agent | None = None,
) -> LearnerTraining:
    """Create a training that learns in its own games and is evaluated in the protocol's.

    Args:
        evaluation: Protocol whose noise the evaluated games have.
        time_to_beat: Shown in the progress bar, if given [s].
        initial: Agent to start from; random weights without one.

    Raises:
        ValueError: If a rollout's samples do not split into whole batches, or the initial
            agent has another spec.
    """
    played = games.environment(environment)
    noisy = randomised_options(environment, evaluation)
    spec = options.agent_spec(environment.interface, environment.engine)
    return LearnerTraining(
        options,
        LearnerTask(options, spec, seed, initial),
        QwopVecEnv(QwopVectorEnv(games.n_games, played)),
        evaluation_games(options.evaluation_starts, noisy),
        {
            "games": [games.n_games, played.model_dump(mode="json")],
            "evaluated games": noisy.model_dump(mode="json"),
        },
        time_to_beat=time_to_beat,
    )


def platform_of(training: TrainingState) -> str | None:
    """Return the platform of the training games; None if their engine has none."""
    _, games = cast("tuple[int, dict[str, str]]", training.facts["games"])
    return games["platform"] if games["engine"] == "exact" else None
