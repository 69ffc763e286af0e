"""A recording knows the environment it comes from."""

import pytest

from qwop_wr.datasets import Recording
from tests.datasets.conftest import INTERFACE, make_transitions


def test_hands_out_its_transitions_to_the_same_interface(recording: Recording) -> None:
    assert recording.transitions_for(dict(INTERFACE)) is recording.transitions


@pytest.mark.parametrize(
    ("key", "value"), [("observation", "absolute"), ("actions", "full"), ("ticks_per_action", 4)]
)
def test_refuses_another_interface(recording: Recording, key: str, value: str | int) -> None:
    with pytest.raises(ValueError, match=f"{key} = {INTERFACE[key]!r}, but .* {value!r}"):
        recording.transitions_for({**INTERFACE, key: value})


def test_refuses_an_interface_that_does_not_say_everything(recording: Recording) -> None:
    with pytest.raises(ValueError, match="actions = 'minimal', but the environment has None"):
        recording.transitions_for({k: v for k, v in INTERFACE.items() if k != "actions"})


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("n_observations", 5, "have 4 numbers, .* n_observations = 5"),
        ("n_actions", 2, r"action \d, .* n_actions = 2"),
    ],
)
def test_steps_must_fit_the_interface(key: str, value: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Recording(make_transitions(), {**INTERFACE, key: value})


def test_later_changes_of_the_mapping_do_not_reach_it() -> None:
    interface = dict(INTERFACE)
    recording = Recording(make_transitions(), interface)
    interface["actions"] = "full"
    assert recording.interface["actions"] == "minimal"
