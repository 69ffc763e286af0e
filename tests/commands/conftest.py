"""Files that commands are given."""

from pathlib import Path

import numpy as np
import pytest

from qwop_wr.agents.agent import Agent
from qwop_wr.datasets import AgentDataset
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.simulator.keys import O
from qwop_wr.simulator.tape import Tape
from tests.evaluation.players import random_agent


@pytest.fixture(autouse=True)
def no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def tape_path(tmp_path: Path) -> Path:
    path = tmp_path / "fall.qwop.json"
    Tape.record(np.full(200, O, dtype=np.uint8), engine="box2d", meta={"seed": 7}).save(path)
    return path


@pytest.fixture
def agent() -> Agent:
    return random_agent(EnvironmentOptions(engine="box2d"))


@pytest.fixture
def agent_path(tmp_path: Path, agent: Agent) -> Path:
    path = tmp_path / "agent.safetensors"
    AgentDataset(filepath=path).save(agent)
    return path
