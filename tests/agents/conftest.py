"""Agents and demonstrations of the corridor, shared by the tests."""

import numpy as np
import pytest
import torch

from qwop_wr.agents.agent import Agent, AgentSpec
from qwop_wr.agents.networks import build_network
from qwop_wr.agents.transitions import Transitions
from tests.agents.corridor import INTERFACE, CorridorVectorEnv


def make_spec(**changes: object) -> AgentSpec:
    fields = {
        **INTERFACE,
        "engine": "toy",
        "algorithm": "qrdqn",
        "net_arch": (8,),
        "layer_norm": True,
        "n_quantiles": 5,
        **changes,
    }
    return AgentSpec.model_validate(fields)


def make_ppo_spec(**changes: object) -> AgentSpec:
    return make_spec(algorithm="ppo", layer_norm=False, n_quantiles=None, **changes)


def make_agent(spec: AgentSpec, seed: int = 0) -> Agent:
    torch.manual_seed(seed)
    return Agent.from_network(spec, build_network(spec), card={"seed": seed})


def make_walker(spec: AgentSpec) -> Agent:
    """A qrdqn agent that walks well: quantiles that favour the other foot."""
    agent = make_agent(spec)
    n_features = spec.net_arch[-1]
    weights = {name: np.zeros_like(array) for name, array in agent.weights.items()}
    weights["hidden.norm.0.weight"][:] = 1.0
    weights["hidden.linear.0.weight"][0, 0] = weights["hidden.linear.0.weight"][1, 1] = 1.0
    output = weights["output.weight"].reshape(spec.n_quantiles or 1, spec.n_actions, n_features)
    output[:, 2, 0] = output[:, 1, 1] = 1.0
    return Agent(agent.spec, weights)


def walk(n_episodes: int, length: int = 20) -> Transitions:
    """Perfect walks through the corridor: the foot that was not used last."""
    env = CorridorVectorEnv(1, autoreset=False, length=length)
    rows: list[tuple[np.ndarray, int, float, np.ndarray, bool, int]] = []
    for episode in range(n_episodes):
        obs, _ = env.reset(seed=[episode])
        ended = False
        while not ended:
            action = 2 if obs[0, 0] else 1
            next_obs, rewards, terminated, truncated, _ = env.step(np.array([action]))
            rows.append((obs[0], action, rewards[0], next_obs[0], False, episode))
            obs, ended = next_obs, bool(terminated[0] or truncated[0])
    obs_, actions, rewards_, next_, dones, episodes = zip(*rows, strict=True)
    return Transitions(
        obs=np.array(obs_, dtype=np.float32),
        actions=np.array(actions, dtype=np.int64),
        rewards=np.array(rewards_, dtype=np.float32),
        next_obs=np.array(next_, dtype=np.float32),
        dones=np.array(dones, dtype=np.bool_),
        episode=np.array(episodes, dtype=np.int32),
    )


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 2.0 * torch.randn(*shape, generator=generator, dtype=torch.float64)


@pytest.fixture
def evaluation_games() -> list[CorridorVectorEnv]:
    return [CorridorVectorEnv(2, autoreset=False) for _ in range(2)]
