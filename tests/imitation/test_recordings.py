"""QWOP-RL's recordings against the runs that they were made of."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qwop_wr.envs import ACTION_SETS, EnvironmentOptions, Observer
from qwop_wr.envs.observations import absolute_quantities
from qwop_wr.imitation.recordings import MASKS, convert
from qwop_wr.simulator.keys import O, P, Q, W, effective_keys
from tests.imitation.recorder import Arrays, record, record_run

ABSOLUTE = EnvironmentOptions(observation="absolute", ticks_per_action=3)
X = np.arange(0, 60, 5)
with np.load(Path(__file__).parents[1] / "envs" / "finishing_run.npz") as _run:
    KEYS = np.array([effective_keys(mask) for mask in _run["keys"].tolist()], dtype=np.uint8)


def inner(arrays: Arrays) -> np.ndarray:
    """Steps whose next one is recorded, too, from the first key of the run on."""
    kept, begun = [], False
    for step, starts in enumerate(arrays["episode_starts"]):
        begun = arrays["actions"][step, 0] != 10 or (begun and not starts)
        if begun and step + 1 < len(arrays["obs"]) and not arrays["episode_starts"][step + 1]:
            kept.append(step)
    return np.array(kept)


def test_the_actions_are_in_their_order() -> None:
    names = ["QW", "QO", "QP", "Q", "WO", "WP", "W", "OP", "O", "P", ""]
    values = {"Q": Q, "W": W, "O": O, "P": P}
    assert list(MASKS) == [sum(values[key] for key in name) for name in names]


def test_recorded_positions_give_the_very_observations() -> None:
    arrays, states = record(relative=False)
    runs = convert(arrays, ABSOLUTE)
    expected = Observer("absolute").scale(absolute_quantities(states))
    kept = inner(arrays)
    np.testing.assert_array_equal(runs.transitions.obs, expected[kept])
    np.testing.assert_array_equal(runs.transitions.next_obs, expected[kept + 1])
    assert runs.has_position
    assert runs.transitions.n_episodes == 2
    metres = (states[kept + 1, 0, 0] - states[kept, 0, 0]) / 10
    np.testing.assert_allclose(runs.transitions.rewards, metres - 0.01 * 3, atol=1e-6)
    assert not runs.transitions.dones.any()


def test_missing_positions_are_estimated_and_all_else_is_exact() -> None:
    arrays, states = record_run(KEYS, 3)
    assert not arrays["obs"][:, 69].any(), "the torso's own x is 0"
    runs = convert(arrays, ABSOLUTE)
    expected = Observer("absolute").scale(absolute_quantities(states))[inner(arrays)]
    others = np.setdiff1d(np.arange(60), X)
    np.testing.assert_array_equal(runs.transitions.obs[:, others], expected[:, others])
    assert not runs.has_position
    error = np.abs(runs.transitions.obs[:, X] - expected[:, X]).max() * 530
    assert error < 0.03 * 1000, "the run has 1,000 units"
    assert runs.distances == pytest.approx(states[-1, 0, 0] / 10, rel=0.03)
    relative = runs.transitions.obs[:, X] - runs.transitions.obs[:, [0]]
    np.testing.assert_allclose(relative, expected[:, X] - expected[:, [0]], atol=2e-6)


@pytest.mark.parametrize("ticks", [3, 6])
def test_the_length_of_an_action_is_measured(ticks: int) -> None:
    runs = convert(record_run(KEYS, ticks)[0], ABSOLUTE)
    assert runs.seconds_per_action == pytest.approx(ticks / 30, rel=0.05)


@pytest.mark.parametrize("actions", ["minimal", "full"])
def test_actions_have_the_same_effect(actions: str) -> None:
    arrays, _ = record()
    environment = ABSOLUTE.model_copy(update={"actions": actions})
    chosen = ACTION_SETS[actions][convert(arrays, environment).transitions.actions]
    theirs = [MASKS[action] for action in arrays["actions"][inner(arrays), 0]]
    assert [effective_keys(int(m)) for m in chosen] == [effective_keys(m) for m in theirs]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"obs": np.zeros((65, 60))}, "'obs' must be real numbers of shape (65, 71)"),
        ({"obs": np.zeros((65, 71), int)}, "'obs' must be real numbers"),
        ({"actions": np.zeros(65, int)}, "'actions' must be whole numbers of shape (65, 1)"),
        ({"actions": np.zeros((65, 1))}, "'actions' must be whole numbers"),
        ({"actions": np.full((65, 1), 11)}, "it holds action 11, but only 0 to 10"),
        ({"episode_starts": np.zeros(65)}, "must be"),
        ({"episode_starts": np.ones(65, bool)}, "'episode_returns' must be"),
        ({"obs": np.full((65, 71), np.nan)}, "not finite"),
        ({"obs": np.ones((65, 71))}, "off the game's start; are its columns"),
        ({"obs": np.zeros((0, 71)), "actions": np.zeros((0, 1), int)}, "must be"),
    ],
)
def test_other_arrays_are_told(changes: dict[str, Any], message: str) -> None:
    arrays, _ = record()
    with pytest.raises(ValueError, match="it") as error:
        convert({**arrays, **changes}, ABSOLUTE)
    assert message in str(error.value)


def test_speeds_that_do_not_fit_the_heights_are_told() -> None:
    arrays, _ = record()
    swapped = arrays["obs"].copy()
    columns = np.concatenate([[0], np.arange(16, 71, 5)])
    swapped[:, columns + 2] *= -1.0
    with pytest.raises(ValueError, match="s per action; are its columns in another order"):
        convert({**arrays, "obs": swapped}, ABSOLUTE)


def test_what_cannot_be_expressed_is_told() -> None:
    arrays, _ = record()
    with pytest.raises(ValueError, match="'qwop_gym' cannot express"):
        convert(arrays, ABSOLUTE.model_copy(update={"actions": "qwop_gym"}))
    with pytest.raises(ValueError, match="only the 'absolute' observation"):
        convert(arrays, EnvironmentOptions())


def test_waiting_for_the_first_key_is_left_out() -> None:
    arrays, _ = record((10, 10, 10))
    arrays["actions"][:, 0] = [10] * 4 + [3] + [10] * 5 + [10] * 10 + [3] + [10] * 9
    steps = convert(arrays, ABSOLUTE).transitions
    assert np.bincount(steps.episode).tolist() == [5, 9]
    assert [int(steps.actions[0]), int(steps.actions[5])] == [3, 3]
    arrays["actions"][:] = 10
    with pytest.raises(ValueError, match="no key is pressed"):
        convert(arrays, ABSOLUTE)
