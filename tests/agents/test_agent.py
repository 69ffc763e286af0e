from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from qwop_wr.agents.agent import Agent, AgentSpec
from tests.agents.conftest import make_agent, make_ppo_spec, make_spec


def test_the_fingerprint_is_that_of_spec_and_weights_alone() -> None:
    agent = make_agent(make_spec())
    again = Agent(agent.spec, dict(reversed(list(agent.weights.items()))), card={"other": 1})
    assert again.fingerprint == agent.fingerprint
    assert len(agent.fingerprint) == 64


def test_another_weight_or_spec_is_another_fingerprint() -> None:
    agent = make_agent(make_spec())
    changed = {name: array.copy() for name, array in agent.weights.items()}
    changed["output.bias"][0] += 1e-6
    assert Agent(agent.spec, changed).fingerprint != agent.fingerprint
    on_exact = agent.spec.model_copy(update={"engine": "exact"})
    assert Agent(on_exact, agent.weights).fingerprint != agent.fingerprint


def test_fingerprints_of_agents_from_before_the_dueling_head_are_unchanged() -> None:
    weights = {k: np.zeros_like(v) for k, v in make_agent(make_spec()).weights.items()}
    # Computed by the version without that field.
    assert Agent(make_spec(), weights).fingerprint.startswith("ce06c5964252")
    assert make_agent(make_spec(dueling=True)).fingerprint != make_agent(make_spec()).fingerprint


def test_weights_are_copied_and_read_only() -> None:
    weights = {name: array.copy() for name, array in make_agent(make_spec()).weights.items()}
    agent = Agent(make_spec(), weights)
    before = agent.fingerprint
    weights["output.bias"][:] = 7.0
    assert agent.fingerprint == before
    with pytest.raises(ValueError, match="read-only"):
        agent.weights["output.bias"][0] = 1.0


def _without_bias(weights: dict[str, Any]) -> None:
    del weights["output.bias"]


def _with_surplus(weights: dict[str, Any]) -> None:
    weights["surplus"] = np.zeros(3, dtype=np.float32)


def _with_wrong_shape(weights: dict[str, Any]) -> None:
    weights["output.bias"] = np.zeros(3, dtype=np.float32)


def _with_nan(weights: dict[str, Any]) -> None:
    weights["output.bias"] = np.full_like(weights["output.bias"], np.nan)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_without_bias, "lack 'output.bias'"),
        (_with_surplus, "'surplus', which its spec does not know"),
        (_with_wrong_shape, r"'output.bias' must have shape \(15,\), got \(3,\)"),
        (_with_nan, "'output.bias' hold values that are not finite"),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    spoil: Callable[[dict[str, Any]], None], message: str
) -> None:
    weights = dict(make_agent(make_spec()).weights)
    spoil(weights)
    with pytest.raises(ValueError, match=message):
        Agent(make_spec(), weights)


@pytest.mark.parametrize(
    "spec", [make_spec(), make_spec(dueling=True), make_ppo_spec()], ids=["qrdqn", "dueling", "ppo"]
)
def test_a_copy_made_of_its_arrays_acts_alike(spec: AgentSpec) -> None:
    agent = make_agent(spec, seed=3)
    observations = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    copy = Agent(agent.spec, dict(agent.weights))
    np.testing.assert_array_equal(
        copy.policy().action_scores(observations), agent.policy().action_scores(observations)
    )


def test_the_card_grows_without_touching_the_agent() -> None:
    agent = make_agent(make_spec())
    grown = agent.with_card(stage="dqnfd")
    assert grown.card == {"seed": 0, "stage": "dqnfd"}
    assert agent.card == {"seed": 0}
    assert grown.fingerprint == agent.fingerprint


def test_an_agent_checks_its_environment() -> None:
    with pytest.raises(ValueError, match="observation"):
        make_agent(make_spec()).check_interface({"observation": "absolute"})
