"""Small agents and environments that nodes can be tried with."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kedro.io import AbstractDataset, DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner
from numpy.typing import NDArray

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.rollout import play_episodes
from qwop_wr.agents.stage import StageOptions
from qwop_wr.datasets import Recording
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv
from qwop_wr.pipelines.games import GamesOptions
from qwop_wr.pipelines.training.nodes import AgentOptions, Stage, initialise_agent
from qwop_wr.simulator.tape import Tape


@pytest.fixture
def environment() -> EnvironmentOptions:
    """Short games, on the platform of the run that finishes."""
    return EnvironmentOptions(ticks_per_action=2, max_ticks=40, platform="node")


@pytest.fixture
def stage_options() -> StageOptions:
    """A stage of seconds."""
    return StageOptions.model_validate(
        {
            "budget": {"steps": 400},
            "warmup_steps": 100,
            "batch_size": 16,
            "evaluation_every": 200,
            "evaluation_starts": 4,
            "gate_starts": 4,
            "log_every": 100,
            "progress_bar": False,
        }
    )


SMALL = AgentOptions(net_arch=(16,), n_quantiles=4, n_steps=10, reward_scale=1.0)


@pytest.fixture
def agent_options() -> AgentOptions:
    """A small network."""
    return SMALL


@pytest.fixture
def agent(
    agent_options: AgentOptions, stage_options: StageOptions, environment: EnvironmentOptions
) -> Agent:
    """An untrained agent."""
    stage = Stage(name="toy", games=GamesOptions(n_games=4), options=stage_options)
    return initialise_agent(agent_options, stage, environment, seed=3)


@pytest.fixture
def demonstrations(agent: Agent, environment: EnvironmentOptions) -> Recording:
    """Four runs of the agent."""
    env = QwopVectorEnv(4, environment, autoreset=False)
    episodes = play_episodes(agent.policy(), env, [1, 2, 3, 4], record=True)
    assert episodes.transitions is not None
    return Recording(episodes.transitions, environment.interface)


@pytest.fixture(scope="session")
def finish() -> Tape:
    """A run that finishes."""
    path = Path(__file__).parents[1] / "envs" / "finishing_run.npz"
    with np.load(path, allow_pickle=False) as run:
        keys: NDArray[np.uint8] = run["keys"]
    return Tape.record(keys, platform="node")


def run_in_memory(
    pipeline: Pipeline, inputs: dict[str, Any], **stored: AbstractDataset[Any, Any]
) -> None:
    """Run a pipeline with its inputs in memory and some outputs stored."""
    memory = {name: MemoryDataset(data, copy_mode="assign") for name, data in inputs.items()}
    SequentialRunner().run(pipeline, DataCatalog({**memory, **stored}))
