from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from qwop_wr.agents.transitions import Transitions, joined
from tests.agents.conftest import walk


def make_arrays() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        "obs": rng.normal(size=(5, 3)).astype(np.float32),
        "actions": np.array([0, 1, 2, 0, 1]),
        "rewards": np.ones(5, dtype=np.float32),
        "next_obs": rng.normal(size=(5, 3)).astype(np.float32),
        "dones": np.array([False, False, True, False, False]),
        "episode": np.array([0, 0, 0, 1, 1], dtype=np.int32),
    }


def test_episodes_are_counted_and_ended() -> None:
    transitions = Transitions(**make_arrays())
    assert len(transitions) == 5
    assert transitions.n_episodes == 2
    assert transitions.ends.tolist() == [False, False, True, False, True]


def test_numbers_of_episodes_may_have_gaps() -> None:
    arrays = make_arrays()
    arrays["episode"] = np.array([3, 3, 3, 7, 7], dtype=np.int32)
    assert Transitions(**arrays).n_episodes == 2


def test_walks_have_the_expected_number_of_steps() -> None:
    transitions = walk(n_episodes=3, length=20)
    assert (len(transitions), transitions.n_episodes) == (60, 3)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("obs", np.zeros((5,), dtype=np.float32), r"obs must have shape \(N, d\)"),
        ("obs", np.zeros((0, 3), dtype=np.float32), r"obs must have shape \(N, d\)"),
        ("obs", np.full((5, 3), np.nan, dtype=np.float32), "obs holds values"),
        ("obs", np.zeros((5, 3)), "obs must be float32, got float64"),
        ("next_obs", np.zeros((5, 4), dtype=np.float32), r"next_obs must have shape \(5, 3\)"),
        ("rewards", np.full(5, np.inf, dtype=np.float32), "rewards holds values"),
        ("rewards", np.zeros(4, dtype=np.float32), r"rewards must have shape \(5,\), got \(4,\)"),
        ("actions", np.zeros(5, dtype=np.int32), "actions must be int64"),
        ("actions", np.array([0, -1, 0, 0, 0]), "an action is negative: -1"),
        ("dones", np.zeros(5), "dones must be bool"),
        ("dones", np.array([True] + [False] * 4), "inside an episode, at step 0"),
        ("episode", np.array([0, 1, 0, 1, 1], dtype=np.int32), "never fall"),
        ("episode", np.array([-1, 0, 0, 1, 1], dtype=np.int32), "start at 0"),
    ],
)
def test_bad_arrays_are_refused_by_name(name: str, value: NDArray[Any], message: str) -> None:
    arrays = {**make_arrays(), name: value}
    with pytest.raises(ValueError, match=message):
        Transitions(**arrays)


def test_joined_recordings_keep_their_episodes_apart() -> None:
    one, other = Transitions(**make_arrays()), walk(n_episodes=1, length=3)
    narrow = Transitions(**{**vars(other), "obs": other.obs[:, :3], "next_obs": other.obs[:, :3]})
    both = joined([one, narrow, one])
    assert both.episode.tolist() == [0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4]
    assert both.dones.tolist() == [*one.dones, *narrow.dones, *one.dones]
    np.testing.assert_array_equal(both.obs, np.concatenate([one.obs, narrow.obs, one.obs]))
    np.testing.assert_array_equal(both.rewards[5:8], narrow.rewards)
