import numpy as np
import pytest

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.networks import build_network
from qwop_wr.agents.spec import AgentSpec
from qwop_wr.envs import EnvironmentOptions


@pytest.fixture(scope="session")
def game() -> EnvironmentOptions:
    return EnvironmentOptions(engine="box2d", ticks_per_action=4)


@pytest.fixture(scope="session")
def agent(game: EnvironmentOptions) -> Agent:
    """An agent with random weights; it falls soon, and differently from every start."""
    spec = AgentSpec.model_validate(
        {"algorithm": "ppo", "engine": game.engine, "net_arch": (32, 16), **game.interface}
    )
    rng = np.random.default_rng(5)
    weights = {
        name: rng.normal(scale=0.7, size=tuple(tensor.shape)).astype(np.float32)
        for name, tensor in build_network(spec).state_dict().items()
    }
    return Agent(spec, weights)
