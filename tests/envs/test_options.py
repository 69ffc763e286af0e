"""Options: ranges, names and one clear line for each fault."""

from typing import get_args

import pytest

from qwop_wr.envs.actions import ACTION_SETS
from qwop_wr.envs.observations import OBSERVATIONS
from qwop_wr.envs.options import Actions, Engine, EnvironmentOptions, Observation, Platform
from qwop_wr.simulator import DEFAULT_PLATFORM, ENGINES, PLATFORMS


def test_choices_are_those_that_exist() -> None:
    assert get_args(Engine) == ENGINES
    assert get_args(Platform) == PLATFORMS
    assert EnvironmentOptions().platform == DEFAULT_PLATFORM
    assert get_args(Actions) == tuple(ACTION_SETS)
    assert get_args(Observation) == tuple(OBSERVATIONS)


def test_interface_describes_what_an_agent_must_match() -> None:
    options = EnvironmentOptions(observation="absolute", actions="full", ticks_per_action=4)
    assert options.interface == {
        "observation": "absolute",
        "actions": "full",
        "ticks_per_action": 4,
        "n_observations": 60,
        "n_actions": 16,
    }


@pytest.mark.parametrize(
    ("keywords", "complaint"),
    [
        ({"engine": "box3d"}, "engine is 'box3d', but input should be 'exact' or 'box2d'"),
        ({"actions": "all"}, "actions is 'all', but .*'minimal', 'qwop_gym' or 'full'"),
        ({"observation": "pixels"}, "observation is 'pixels', but .*'egocentric' or 'absolute'"),
        ({"reward": "money"}, "reward is 'money', but .*'time' or 'qwop_gym'"),
        ({"ticks_per_action": 0}, "ticks_per_action is 0, but .*greater than or equal to 1"),
        ({"max_ticks": 0}, "max_ticks is 0"),
        ({"idle_ticks": -1}, "idle_ticks is -1"),
        ({"sticky": 1.0}, "sticky is 1.0, but .*less than 1"),
        ({"tick_cost": float("nan")}, "tick_cost is nan, but .*finite"),
        ({"sink_height": 50.0}, "sink_height is 50.0"),
        ({"tick_per_action": 2}, "no environment option 'tick_per_action'; there are engine, "),
    ],
)
def test_faults_are_named_in_one_line(keywords: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as raised:
        EnvironmentOptions.from_keywords(keywords)
    assert "\n" not in str(raised.value)


def test_every_option_is_described() -> None:
    assert all(field.description for field in EnvironmentOptions.model_fields.values())
