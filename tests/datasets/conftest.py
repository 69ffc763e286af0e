"""Small recordings, agents and tapes."""

import numpy as np
import pytest
from pydantic import JsonValue

from qwop_wr.agents.agent import Agent, AgentSpec
from qwop_wr.agents.networks import build_network
from qwop_wr.agents.transitions import Transitions
from qwop_wr.datasets import Recording
from qwop_wr.simulator.tape import Tape

INTERFACE: dict[str, str | int] = {
    "observation": "egocentric",
    "actions": "minimal",
    "ticks_per_action": 2,
    "n_observations": 4,
    "n_actions": 9,
}


def make_transitions() -> Transitions:
    """Seven steps of two episodes; the first ends in a fall."""
    rng = np.random.default_rng(5)
    return Transitions(
        obs=rng.normal(size=(7, 4)).astype(np.float32),
        actions=rng.integers(0, 9, size=7),
        rewards=np.array([1, 2, -1.5, 0, 0.5, 1, 1], np.float32),
        next_obs=rng.normal(size=(7, 4)).astype(np.float32),
        dones=np.array([False, False, True, False, False, False, False]),
        episode=np.array([0, 0, 0, 1, 1, 1, 1], np.int32),
    )


def make_agent() -> Agent:
    spec = AgentSpec(algorithm="ppo", engine="exact", net_arch=(8, 6), **INTERFACE)
    card: dict[str, JsonValue] = {"seed": 7, "scores": [1.5, None], "note": "<b>Grüße</b>"}
    return Agent.from_network(spec, build_network(spec), card)


@pytest.fixture
def recording() -> Recording:
    return Recording(make_transitions(), INTERFACE)


@pytest.fixture
def agent() -> Agent:
    return make_agent()


@pytest.fixture
def tapes() -> dict[str, Tape]:
    walk = np.tile(np.repeat(np.array([9, 6], np.uint8), 15), 3)
    return {
        "seed_12": Tape.record(walk, engine="box2d", meta={"seed": 12}),
        "native": Tape.record(np.zeros(5, np.uint8), engine="box2d"),
    }
