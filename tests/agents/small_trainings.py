"""Tiny trainings with every algorithm in short real games."""

from typing import Any

from pydantic import TypeAdapter

from qwop_wr.agents.learners.options import LearningOptions, TrainingOptions
from qwop_wr.agents.training import LearnerTask, LearnerTraining
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv
from qwop_wr.envs.sb3 import QwopVecEnv

ENVIRONMENT = EnvironmentOptions(ticks_per_action=4, max_ticks=80, idle_ticks=10, sticky=0.1)
SHAPED = EnvironmentOptions.model_validate(
    {**ENVIRONMENT.model_dump(), "shaping": {"terms": {"calm": {"term": "energy", "weight": 0.01}}}}
)

_PPO = {"n_steps": 16, "batch_size": 32, "n_epochs": 2}
_VALUES = {
    "buffer_size": 200,
    "learning_starts": 40,
    "batch_size": 16,
    "target_update_interval": 32,
    "exploration": {"start": 0.5, "end": 0.1},
}
SMALL: dict[str, dict[str, Any]] = {
    "ppo": {**_PPO, "entropy": 0.01},
    "own_ppo": {**_PPO, "entropy": 0.01},
    "recurrent_ppo": {**_PPO, "lstm_size": 8},
    "a2c": {},
    "dqn": _VALUES,
    "double_dqn": _VALUES,
    "qrdqn": {**_VALUES, "n_quantiles": 25, "layer_norm": True},
}


def learning(algorithm: str, **changes: object) -> Any:
    fields = {"algorithm": algorithm, "net_arch": (8,), **SMALL[algorithm], **changes}
    return TypeAdapter(LearningOptions).validate_python(fields)


def make_task(algorithm: str, seed: int = 3, **changes: Any) -> LearnerTask:
    options = learning(algorithm)
    spec = options.agent_spec(ENVIRONMENT.interface, ENVIRONMENT.engine)
    return LearnerTask(options, spec, seed, **changes)


def games(n_games: int = 4) -> QwopVecEnv:
    return QwopVecEnv(QwopVectorEnv(n_games, SHAPED))


def make_training(task: LearnerTask, steps: int = 384, **changes: Any) -> LearnerTraining:
    options = TrainingOptions.model_validate(
        {
            "budget": {"steps": steps},
            "evaluation_every": 128,
            "evaluation_starts": 4,
            "log_every": 64,
            "progress_bar": False,
            **changes,
        }
    )
    evaluation = [QwopVectorEnv(4, ENVIRONMENT, autoreset=False)]
    return LearnerTraining(options, task, games(), evaluation, records_divergence=True)
