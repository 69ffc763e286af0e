"""One game through Gymnasium: checkers, agreement with the batch, documentation."""

import itertools
import re
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from numpy.typing import ArrayLike
from stable_baselines3.common import env_checker

from qwop_wr.envs.actions import ACTION_SETS
from qwop_wr.envs.observations import OBSERVATIONS, Feature
from qwop_wr.envs.options import EnvironmentOptions
from qwop_wr.envs.single import QwopEnv
from qwop_wr.envs.vector import QwopVectorEnv
from qwop_wr.simulator.keys import key_names

COMBINATIONS = list(itertools.product(ACTION_SETS, OBSERVATIONS, ("time", "qwop_gym")))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("actions", "observation", "reward"), COMBINATIONS)
def test_checkers_pass(engine: str, actions: str, observation: str, reward: str) -> None:
    options: dict[str, Any] = {"actions": actions, "observation": observation, "reward": reward}
    env = gymnasium.make("qwop_wr/Qwop-v1", engine=engine, idle_ticks=3, sticky=0.1, **options)
    check_env(env.unwrapped, skip_render_check=True)
    env_checker.check_env(env.unwrapped)


@pytest.mark.filterwarnings("error")
def test_checkers_pass_with_drawing() -> None:
    env = gymnasium.make("qwop_wr/Qwop-v1", engine="box2d", render_mode="rgb_array")
    check_env(env.unwrapped)
    env_checker.check_env(env.unwrapped)


def test_module_form_of_the_name_works() -> None:
    env = gymnasium.make("qwop_wr:qwop_wr/Qwop-v1", engine="box2d", ticks_per_action=3)
    assert isinstance(env.unwrapped, QwopEnv)
    assert env.unwrapped.options.ticks_per_action == 3
    assert env.unwrapped.metadata["render_fps"] == 10


def test_plays_as_the_batch_does(engine: str) -> None:
    options: dict[str, Any] = {"engine": engine, "idle_ticks": 4, "sticky": 0.2}
    env = QwopEnv(**options)
    batch = QwopVectorEnv(3, EnvironmentOptions(**options), autoreset=False)
    observation, _ = env.reset(seed=8)
    observations, _ = batch.reset(seed=[5, 8, 6])
    np.testing.assert_array_equal(observation, observations[1])
    generator = np.random.default_rng(0)
    for _ in range(60):
        action = int(generator.integers(9))
        observation, reward, terminated, truncated, info = env.step(action)
        observations, rewards, all_terminated, all_truncated, infos = batch.step([0, action, 1])
        np.testing.assert_array_equal(observation, observations[1])
        assert (reward, terminated, truncated) == (
            rewards[1],
            all_terminated[1],
            all_truncated[1],
        )
        assert info == {name: infos[name][1] for name in info}


def test_resets_without_seed_go_on_with_the_generator() -> None:
    env = QwopEnv(engine="box2d", idle_ticks=90)
    runs = []
    for _ in range(2):
        env.reset(seed=9)
        drawn = [int(env.games.drawn_idle_ticks[0])]
        for _ in range(3):
            env.reset()
            drawn.append(int(env.games.drawn_idle_ticks[0]))
        runs.append(drawn)
    assert runs[0] == runs[1]
    assert len(set(runs[0])) > 1


@pytest.mark.parametrize("action", [9, -1, 1.0, [0, 1], "Q"])
def test_wrong_actions_are_refused(action: ArrayLike) -> None:
    env = QwopEnv(engine="box2d")
    env.reset(seed=0)
    with pytest.raises(ValueError, match="action"):
        env.step(action)


def test_docstring_has_gymnasiums_sections() -> None:
    headings = re.findall(r"^ *## (.+)$", QwopEnv.__doc__ or "", re.MULTILINE)
    assert headings == [
        "Description",
        "Action Space",
        "Observation Space",
        "Rewards",
        "Starting State",
        "Episode End",
        "Arguments",
        "Version History",
    ]


def _tables() -> list[list[list[str]]]:
    lines = [line.strip() for line in (QwopEnv.__doc__ or "").splitlines()]
    groups = itertools.groupby(lines, lambda line: line.startswith("|"))
    tables = [list(group) for is_table, group in groups if is_table]
    return [
        [[cell.strip(" `") for cell in row.strip("|").split("|")] for row in table[2:]]
        for table in tables
    ]


def _row(index: str, name: str, feature: Feature) -> list[str]:
    numbers = (f"{feature.centre:.3f}", f"{feature.scale:g}", f"{feature.low:g}")
    return [index, name, feature.unit, *numbers, f"{feature.high:g}"]


def test_docstring_lists_every_observation() -> None:
    _, egocentric, absolute, _ = _tables()
    features = OBSERVATIONS["egocentric"]
    assert egocentric == [_row(str(i), f.name, f) for i, f in enumerate(features)]
    for i, feature in enumerate(OBSERVATIONS["absolute"]):
        field = feature.name.split(" ")[1]
        index = f"5p + {i % 5}" if i % 5 else "5p"
        assert absolute[i % 5] == _row(index, f"part p {field}", feature)


def test_docstring_lists_every_action_and_argument() -> None:
    actions, *_, arguments = _tables()
    assert actions == [
        [name, " ".join(key_names(int(mask)) for mask in masks)]
        for name, masks in ACTION_SETS.items()
    ]
    fields = EnvironmentOptions.model_fields
    documented = {name: default.strip('"') for name, default, _ in arguments if name}
    assert documented == {
        **{name: str(field.default) for name, field in fields.items()},
        "render_mode": "None",
    }
