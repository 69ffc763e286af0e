"""Agents that need no training."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.networks import build_network
from qwop_wr.agents.policy import Policy
from qwop_wr.agents.spec import AgentSpec
from qwop_wr.envs import ACTION_SETS, EnvironmentOptions
from qwop_wr.simulator.keys import effective_keys


def random_agent(game: EnvironmentOptions, seed: int = 5) -> Agent:
    """Make an agent with random weights; it falls soon, and differently from every start."""
    spec = AgentSpec.model_validate(
        {"algorithm": "ppo", "engine": game.engine, "net_arch": (32, 16), **game.interface}
    )
    return random_agent_of(spec, seed, scale=0.7)


def random_agent_of(spec: AgentSpec, seed: int, scale: float = 1.0) -> Agent:
    """Make an agent of any kind with random weights."""
    rng = np.random.default_rng(seed)
    weights = {
        name: rng.normal(scale=scale, size=tuple(tensor.shape)).astype(np.float32)
        for name, tensor in build_network(spec).state_dict().items()
    }
    return Agent(spec, weights)


def player(game: EnvironmentOptions, keys: Sequence[int]) -> Agent:
    """Make an agent that plays ``keys``, one mask per decision, over and over."""

    class Player(Agent):
        def policy(self) -> Policy:
            return _Beat(self, keys)

    agent = random_agent(game)
    return Player(agent.spec, agent.weights)


class _Beat(Policy):
    def __init__(self, agent: Agent, keys: Sequence[int]) -> None:
        super().__init__(agent.network(), agent.spec.n_observations)
        masks = ACTION_SETS[agent.spec.actions].tolist()
        self._actions = [masks.index(effective_keys(mask)) for mask in keys]
        self._decision = 0

    def act(
        self,
        observations: NDArray[np.float32],
        deterministic: bool = True,
        rng: np.random.Generator | None = None,
    ) -> NDArray[np.int64]:
        action = self._actions[self._decision % len(self._actions)]
        self._decision += 1
        return np.full(len(observations), action)
