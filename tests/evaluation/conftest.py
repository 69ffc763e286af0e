import pytest

from qwop_wr.agents.agent import Agent
from qwop_wr.envs import EnvironmentOptions
from tests.evaluation.players import random_agent


@pytest.fixture(scope="session", params=["box2d", "exact"])
def game(request: pytest.FixtureRequest) -> EnvironmentOptions:
    return EnvironmentOptions(engine=request.param, ticks_per_action=4)


@pytest.fixture(scope="session")
def agent(game: EnvironmentOptions) -> Agent:
    return random_agent(game)
