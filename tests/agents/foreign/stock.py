"""Agents that stock Stable-Baselines3 and sb3-contrib save."""

import io
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from sb3_contrib import QRDQN
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm

LEARNERS: Mapping[str, Callable[..., BaseAlgorithm]] = {
    "dqn": DQN,
    "qrdqn": QRDQN,
    "ppo": PPO,
    "a2c": A2C,
}


class Shapes(gymnasium.Env[NDArray[np.float32], np.int64]):
    """A game of given shapes in which nothing happens."""

    def __init__(self, n_observations: int = 60, n_actions: int = 9) -> None:
        self.observation_space = spaces.Box(-1, 1, (n_observations,), np.float32)
        self.action_space = spaces.Discrete(n_actions)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        return np.zeros(self.observation_space.shape or (), np.float32), {}

    def step(
        self, action: np.int64
    ) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        return self.reset()[0], 0.0, False, False, {}


def stock_model(learner: str, shapes: Shapes | None = None, **policy_kwargs: Any) -> BaseAlgorithm:
    return LEARNERS[learner](
        "MlpPolicy", shapes or Shapes(), policy_kwargs=policy_kwargs, seed=1, device="cpu"
    )


def saved(model: BaseAlgorithm) -> bytes:
    buffer = io.BytesIO()
    model.save(buffer)
    return buffer.getvalue()


def rezipped(content: bytes, changes: Mapping[str, bytes | None], compress: bool = False) -> bytes:
    """The archive with other members; None takes one away."""
    buffer = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w", method) as new:
        members = {name: old.read(name) for name in old.namelist()}
        for name, member in {**members, **changes}.items():
            if member is not None:
                new.writestr(name, member)
    return buffer.getvalue()
