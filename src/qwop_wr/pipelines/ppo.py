"""PPO trainings as several pipelines have them."""

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.learners.options import PPOOptions
from qwop_wr.agents.training import LearnerTask, LearnerTraining
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv
from qwop_wr.envs.sb3 import QwopVecEnv
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.protocols import randomised_environment
from qwop_wr.pipelines.games import GamesOptions


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
    """Make a training that learns in its own games and is evaluated in the protocol's.

    Args:
        evaluation: Protocol whose noise the evaluated games have.
        time_to_beat: Shown in the progress bar, if given [s].
        initial: Agent to begin with; random weights without one.

    Raises:
        ValueError: If a rollout's samples do not split into whole batches, or the initial
            agent has another spec.
    """
    played = games.environment(environment)
    noisy = randomised_environment(environment, evaluation)
    spec = options.agent_spec(environment.interface, environment.engine)
    return LearnerTraining(
        options,
        LearnerTask(options, spec, seed, initial),
        QwopVecEnv(QwopVectorEnv(games.n_games, played)),
        QwopVectorEnv(options.evaluation_starts, noisy, autoreset=False),
        {
            "games": [games.n_games, played.model_dump(mode="json")],
            "evaluated games": noisy.model_dump(mode="json"),
        },
        time_to_beat=time_to_beat,
    )
