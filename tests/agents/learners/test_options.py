"""What each algorithm takes, and what is said about what it does not."""

import pytest
from pydantic import TypeAdapter, ValidationError

from qwop_wr.agents.learners.options import ALGORITHMS, LearningOptions, QRDQNLearning
from qwop_wr.envs import EnvironmentOptions

ADAPTER = TypeAdapter[object](LearningOptions)


def test_the_known_algorithms() -> None:
    assert sorted(ALGORITHMS) == [
        "a2c",
        "double_dqn",
        "dqn",
        "own_ppo",
        "ppo",
        "qrdqn",
        "recurrent_ppo",
    ]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"algorithm": "rainbow"},
            "no algorithm 'rainbow'; known: qrdqn, dqn, double_dqn",
        ),
        ({"algorithm": "qrdnq"}, "did you mean 'qrdqn'"),
        ({}, "algorithm is missing; known: qrdqn"),
        (
            {"algorithm": "dqn", "n_quantiles": 5},
            "dqn does not take 'n_quantiles'; it takes act",
        ),
        ({"algorithm": "a2c", "clip_range": 0.2}, "a2c does not take 'clip_range'"),
        ({"algorithm": "ppo", "lstm_size": 8}, "ppo does not take 'lstm_size'"),
        ({"algorithm": "ppo", "gamma": 1.5}, "less than 1"),
    ],
)
def test_what_an_algorithm_does_not_take(fields: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ADAPTER.validate_python(fields)


def test_the_recipes_accident() -> None:
    """Intervals count environment steps: 512 of 8 games at frequency 4 are 16 updates."""
    recipe = QRDQNLearning(algorithm="qrdqn", target_update_interval=512, train_freq=4)
    assert recipe.gradient_steps_per_target(8) == 16
    cured = QRDQNLearning(algorithm="qrdqn", target_update_interval=16_000, train_freq=4)
    assert cured.gradient_steps_per_target(8) == 500


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_specs_fit_the_environment(algorithm: str) -> None:
    environment = EnvironmentOptions(actions="qwop_gym", observation="absolute", ticks_per_action=4)
    options = ALGORITHMS[algorithm].model_validate({"algorithm": algorithm})
    spec = options.agent_spec(environment.interface, "exact")
    spec.check_interface(environment.interface)
    assert (spec.n_observations, spec.n_actions) == (60, 9)
