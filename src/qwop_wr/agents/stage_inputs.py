"""Whether a stage's inputs fit one another, and what identifies them."""

import hashlib
from typing import Any, NamedTuple

import numpy as np
from gymnasium.vector import VectorEnv
from pydantic import JsonValue
from stable_baselines3.common.vec_env import VecEnv

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.spec import AgentSpec
from qwop_wr.agents.stage import StageOptions
from qwop_wr.agents.transitions import Transitions


class StageGames(NamedTuple):
    """What a stage plays.

    Attributes:
        training: Games to learn in.
        evaluation: Games to evaluate in, without automatic reset.
    """

    training: VecEnv
    evaluation: VectorEnv[Any, Any, Any]


class StageInputs(NamedTuple):
    """What a stage begins with.

    Attributes:
        incoming: Agent to continue from; None begins with a fresh network.
        demonstrations: Demonstrated steps, if there are any.
        seed: Seed of everything random.
    """

    incoming: Agent | None
    demonstrations: Transitions | None
    seed: int

    def identity(self, options: StageOptions) -> dict[str, JsonValue]:
        """Identify the inputs by their contents.

        Args:
            options: They say whether demonstrations matter.

        Returns:
            Seed, the agent's fingerprint and a SHA-256 of the demonstrations, by name.
        """
        data: str | None = None
        if self.demonstrations is not None and options.uses_demonstrations:
            steps, digest = self.demonstrations, hashlib.sha256()
            for array in (steps.obs, steps.actions, steps.rewards, steps.dones, steps.episode):
                digest.update(np.ascontiguousarray(array).tobytes())
            data = digest.hexdigest()
        agent = self.incoming.fingerprint if self.incoming else None
        return {"seed": self.seed, "incoming agent": agent, "demonstrations": data}


def check_inputs(
    options: StageOptions,
    training_env: VecEnv,
    spec: AgentSpec,
    incoming: Agent | None,
    demonstrations: Transitions | None,
) -> None:
    """Make sure that a stage's inputs fit one another, before anything is trained.

    Args:
        options: How to learn.
        training_env: Games to learn in.
        spec: Spec of the agents.
        incoming: Agent to continue from, if any.
        demonstrations: Demonstrated steps, if any.

    Raises:
        ValueError: Naming what does not fit and what would.
    """
    if incoming is not None:
        spec.check_continues(incoming.spec, "the incoming agent", "the stage")
    shape = training_env.observation_space.shape
    if shape != (spec.n_observations,):
        raise ValueError(
            f"the training environment's observations have shape {shape}, "
            f"the agent's ({spec.n_observations},)"
        )
    if not options.uses_demonstrations:
        return
    if demonstrations is None:
        raise ValueError("demonstration_share is above 0, but there are no demonstrations")
    if demonstrations.obs.shape[1] != spec.n_observations:
        raise ValueError(
            f"demonstrations hold {demonstrations.obs.shape[1]} numbers per observation, "
            f"the environment gives {spec.n_observations}; record them anew with its observation"
        )
    longest = int(np.diff(np.flatnonzero(demonstrations.ends), prepend=-1).max())
    if options.n_steps > longest:
        raise ValueError(
            f"n_steps is {options.n_steps}, but the longest demonstrated episode has {longest} "
            "decisions; lower n_steps"
        )
    if demonstrations.actions.max() >= spec.n_actions:
        raise ValueError(
            f"demonstrations hold action {demonstrations.actions.max()}, the environment has "
            f"actions 0 to {spec.n_actions - 1}; record them anew with its action set"
        )
