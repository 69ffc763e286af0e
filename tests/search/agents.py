"""Agents with random weights."""

import numpy as np

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.networks import build_network
from qwop_wr.agents.spec import AgentSpec
from qwop_wr.envs import EnvironmentOptions

ENV = EnvironmentOptions(ticks_per_action=2)
"""Decisions are longer than a tick, so that a test notices where the two are mixed up."""


def make_agent(seed: int, algorithm: str = "ppo", env: EnvironmentOptions = ENV) -> Agent:
    extra = {"n_quantiles": 4} if algorithm == "qrdqn" else {}
    spec = AgentSpec.model_validate(
        {"algorithm": algorithm, "engine": "exact", "net_arch": (8,), **env.interface, **extra}
    )
    rng = np.random.default_rng(seed)
    shapes = {name: tuple(t.shape) for name, t in build_network(spec).state_dict().items()}
    return Agent(spec, {k: rng.normal(size=s).astype(np.float32) for k, s in shapes.items()})
