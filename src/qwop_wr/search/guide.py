"""Guides of a search: they score actions and value states."""

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from qwop_wr.agents.agent import Agent
from qwop_wr.envs import OBSERVATIONS, EnvironmentOptions

FINISH_FEATURE: Final = "sand pit ahead by"
"""Feature that lets an agent see the end of the track."""
FAR_AHEAD: Final = 1.0
"""Value of the feature while the end is far."""


class EndlessTrack:
    """Hides the finish from observations of a kind, a key of ``OBSERVATIONS``.

    An agent's values fall towards the finish, where no metres are left to earn;
    this would hold back the states of a beam that are ahead.
    """

    def __init__(self, observation: str) -> None:
        names = [feature.name for feature in OBSERVATIONS[observation]]
        self._finish = names.index(FINISH_FEATURE) if FINISH_FEATURE in names else None

    def hide_finish(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns observations (n, d) as they would be on an endless track."""
        if self._finish is None:
            return observations
        changed = observations.copy()
        changed[:, self._finish] = FAR_AHEAD
        return changed


Q_SHARPNESS = 3.0
"""Logits per standard deviation of a state's action values, for agents that value actions."""


class Guide(Protocol):
    """Scores actions and values states for a search."""

    def logits(self, observations: NDArray[np.float32]) -> NDArray[np.floating]:
        """Returns the logits of a policy, shape (n, n_actions), for observations (n, d)."""

    def values(self, observations: NDArray[np.float32]) -> NDArray[np.floating]:
        """Estimates future rewards, shape (n,), from observations (n, d)."""


class AgentGuide:
    """A guide made of agents: one proposes, the values of all are averaged.

    Agents are shown an endless track.

    Args:
        agents: The first one's policy proposes actions. The values of all are
            averaged: PPO's critic, or the largest action value of QR-DQN.
        environment: Environment in which the search plays.
        proposer: Proposes actions instead of the first agent.

    Raises:
        ValueError: If there is no agent, or one was made for another environment.
    """

    def __init__(
        self,
        agents: Sequence[Agent],
        environment: EnvironmentOptions,
        proposer: Agent | None = None,
    ) -> None:
        if not agents:
            raise ValueError("a search needs at least one agent to guide it")
        proposer = proposer or agents[0]
        for agent in (proposer, *agents):
            agent.check_interface(environment.interface)
            if agent.spec.lstm_size is not None:
                raise ValueError("a recurrent agent remembers one run and cannot guide a search")
        self._track = EndlessTrack(environment.observation)
        self._policies = [agent.policy() for agent in agents]
        self._proposer = proposer.policy()
        self._has_action_values = proposer.spec.algorithm == "qrdqn"

    def logits(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns logits, shape (n, n_actions); action values are scaled to a common spread."""
        scores = self._proposer.action_scores(self._track.hide_finish(observations))
        if not self._has_action_values:
            return scores
        centred = scores - scores.mean(axis=1, keepdims=True)  # (n, n_actions)
        spread = np.maximum(scores.std(axis=1, keepdims=True), 1e-6)  # (n, 1)
        return np.asarray(Q_SHARPNESS * centred / spread, dtype=np.float32)

    def values(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Averages the agents' values, shape (n,)."""
        endless = self._track.hide_finish(observations)
        total = self._policies[0].values(endless)
        for policy in self._policies[1:]:
            total = total + policy.values(endless)
        return np.asarray(total / len(self._policies), dtype=np.float32)
