"""PPO that learns from what workers have collected."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnv

from qwop_wr.agents.budget import BudgetClock
from qwop_wr.agents.collection import Collector, Ending, Stretch
from qwop_wr.agents.ppo import PPOOptions, ScheduledPPO, extract_agent
from qwop_wr.agents.spec import AgentSpec


class CollectedPPO(ScheduledPPO):
    """PPO whose rollouts are played elsewhere, by its policy of some updates before.

    The loss compares with the probabilities that the actions had when they were taken, so
    that the ratio corrects for the age of the policy, and clipping bounds what is left;
    values are estimated afresh by the learner's own critic.

    Args:
        options: How to train.
        env: Games of the shape of all shards together; not played.
        clock: Progress of the budget.
        seed: Seed of everything random.
        collector: Gives the stretches.
        spec: Spec of the agents that play them.
    """

    def __init__(
        self,
        options: PPOOptions,
        env: VecEnv,
        clock: BudgetClock,
        seed: int,
        collector: Collector,
        spec: AgentSpec,
    ) -> None:
        super().__init__(options, env, clock, seed)
        self._collector = collector
        self._spec = spec

    def collect_rollouts(
        self,
        env: VecEnv,
        callback: BaseCallback,
        rollout_buffer: RolloutBuffer,
        n_rollout_steps: int,
    ) -> bool:
        """Fill the buffer with the next stretches.

        Args:
            env: Not played.
            callback: Called at the beginning, after every step, and at the end.
            rollout_buffer: The buffer.
            n_rollout_steps: Decisions per game.

        Returns:
            False if the callback has ended the training.
        """
        self.policy.set_training_mode(False)
        rollout_buffer.reset()
        callback.on_rollout_start()
        stretch = _joined(self._collector.collect(extract_agent(self._spec, self)))
        values = self._values(stretch.observations)  # [T + 1, n]
        rewards = stretch.rewards.copy()
        infos: list[list[dict[str, Any]]] = [
            [{} for _ in range(env.num_envs)] for _ in range(n_rollout_steps)
        ]
        for ending in stretch.endings:
            infos[ending.step][ending.game] = dict(ending.info)
            if ending.info["TimeLimit.truncated"]:
                last = np.asarray(ending.info["terminal_observation"])[None, None]
                behind = float(self._values(last)[0, 0])
                rewards[ending.step, ending.game] += self.gamma * behind
        for step in range(n_rollout_steps):
            self.num_timesteps += env.num_envs
            dones = stretch.starts[step + 1]
            callback.update_locals({"dones": dones, "infos": infos[step]})
            if not callback.on_step():
                return False
            self._update_info_buffer(infos[step], dones)
            rollout_buffer.add(
                stretch.observations[step],
                stretch.actions[step][:, None],
                rewards[step],
                stretch.starts[step].astype(np.float32),
                torch.from_numpy(values[step]),
                torch.from_numpy(stretch.log_probs[step]),
            )
        rollout_buffer.compute_returns_and_advantage(
            last_values=torch.from_numpy(values[-1]), dones=stretch.starts[-1]
        )
        callback.on_rollout_end()
        return True

    def _values(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Estimate values, from shape (T, n, d) to (T, n)."""
        flat = torch.from_numpy(observations.reshape(-1, observations.shape[-1]))
        with torch.no_grad():
            values = self.policy.predict_values(flat.to(self.device))
        return np.asarray(values.cpu().numpy().reshape(observations.shape[:2]))


def _joined(stretches: list[Stretch]) -> Stretch:
    """Put the games of all shards side by side."""
    sizes = [stretch.actions.shape[1] for stretch in stretches]
    firsts = np.cumsum([0, *sizes[:-1]]).tolist()
    endings = [
        Ending(ending.step, first + ending.game, ending.info)
        for first, stretch in zip(firsts, stretches, strict=True)
        for ending in stretch.endings
    ]
    fields = ("observations", "actions", "log_probs", "rewards", "starts")
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(one, name) for one in stretches], axis=1) for name in fields
    }
    return Stretch(**arrays, endings=endings)
