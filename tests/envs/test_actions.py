"""Action sets: the right masks in the right order."""

import pytest

from qwop_wr.envs.actions import ACTION_SETS, action_names
from qwop_wr.simulator.keys import effective_keys


def test_minimal_actions_are_the_nine_that_act_differently() -> None:
    masks = [int(mask) for mask in ACTION_SETS["minimal"]]
    assert [effective_keys(mask) for mask in masks] == masks
    assert set(masks) == {effective_keys(mask) for mask in range(16)}


def test_seeds_actions_keep_the_circulating_order() -> None:
    assert action_names("qwop_gym") == ("-", "Q", "W", "O", "P", "QW", "QP", "WO", "OP")


def test_full_actions_are_all_masks_by_number_of_keys() -> None:
    names = action_names("full")
    assert names[:11] == ("-", "Q", "W", "O", "P", "QW", "QO", "QP", "WO", "WP", "OP")
    assert names[11:] == ("QWO", "QWP", "QOP", "WOP", "QWOP")
    assert sorted(ACTION_SETS["full"].tolist()) == list(range(16))


@pytest.mark.parametrize("actions", ACTION_SETS)
def test_action_sets_cannot_be_changed(actions: str) -> None:
    with pytest.raises(ValueError, match="read-only"):
        ACTION_SETS[actions][0] = 1
