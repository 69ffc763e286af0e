"""Files that say ``seeds`` for the action set and the reward of qwop-gym stay readable."""

import logging

import gymnasium
import numpy as np
import pytest

from qwop_wr import renames
from qwop_wr.agents.agent import Agent
from qwop_wr.agents.networks import build_network
from qwop_wr.agents.spec import AgentSpec
from qwop_wr.datasets import Recording
from qwop_wr.envs import EnvironmentOptions
from tests.datasets.conftest import INTERFACE, make_transitions

FINGERPRINT = "bffe7895ca34b017cbe2084de727d6a593b71a6f1a9417c25436051785ef5125"
"""Of the agent below, as it was when its action set was called ``seeds``."""


@pytest.fixture(autouse=True)
def nothing_was_warned_of() -> None:
    renames._warn.cache_clear()


def spec_of(actions: str) -> AgentSpec:
    return AgentSpec(
        algorithm="ppo",
        observation="absolute",
        actions=actions,
        ticks_per_action=4,
        n_observations=60,
        n_actions=9,
        engine="exact",
        net_arch=(2,),
        activation="tanh",
    )


def test_configuration_is_translated_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="qwop_wr"):
        for _ in range(2):
            options = EnvironmentOptions.model_validate({"actions": "seeds", "reward": "seeds"})
    assert (options.actions, options.reward) == ("qwop_gym", "qwop_gym")
    [warning] = caplog.messages
    assert "'seeds' is called 'qwop_gym' now" in warning


def test_the_environment_understands_the_old_name() -> None:
    env = gymnasium.make("qwop_wr/Qwop-v1", engine="exact", actions="seeds", reward="seeds")
    assert env.action_space == gymnasium.spaces.Discrete(9)


def test_agents_of_before_keep_their_fingerprints() -> None:
    for name in ("seeds", "qwop_gym"):
        spec = spec_of(name)
        weights = {
            key: np.zeros(tuple(value.shape), dtype=np.float32)
            for key, value in build_network(spec).state_dict().items()
        }
        assert spec.actions == "qwop_gym"
        assert Agent(spec, weights, {}).fingerprint == FINGERPRINT
    environment = EnvironmentOptions(observation="absolute", actions="qwop_gym", ticks_per_action=4)
    spec.check_interface(environment.interface)


def test_recordings_of_before_fit_the_present_environment() -> None:
    recording = Recording(make_transitions(), {**INTERFACE, "actions": "seeds"})
    recording.transitions_for({**INTERFACE, "actions": "qwop_gym"})
    with pytest.raises(ValueError, match="actions = 'qwop_gym', but .* 'minimal'"):
        recording.transitions_for({**INTERFACE, "actions": "minimal"})
