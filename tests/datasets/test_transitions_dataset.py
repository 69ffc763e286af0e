"""Recordings know their environment, and come back from npz files as they were."""

import inspect
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kedro.io.core import DatasetError
from kedro_datasets._typing import TablePreview

from qwop_wr.datasets import Recording, TransitionsDataset
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


@pytest.fixture
def dataset(tmp_path: Path) -> TransitionsDataset:
    return TransitionsDataset(filepath=tmp_path / "recording.npz")


def rewrite(dataset: TransitionsDataset, **changes: object) -> None:
    """Change arrays in the file, behind the dataset's back; None removes one."""
    with np.load(dataset._filepath) as arrays:
        content = {**arrays, **changes}
    np.savez(dataset._filepath, **{k: v for k, v in content.items() if v is not None})


def test_the_former_name_of_an_action_set(dataset: TransitionsDataset) -> None:
    dataset.save(Recording(make_transitions(), {**INTERFACE, "actions": "seeds"}))
    assert dataset.load().interface["actions"] == "qwop_gym"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rewards": None}, "lacks the array 'rewards'"),
        ({"extra": np.zeros(3)}, "must hold 7 arrays"),
        ({"obs": np.zeros((7, 4))}, "obs must be float32, got float64"),
        ({"obs": np.zeros(7, np.float32)}, r"obs must have shape \(N, d\), got \(7,\)"),
        ({"actions": np.zeros(6, np.int64)}, r"actions must have shape \(7,\), got \(6,\)"),
        ({"rewards": np.full(7, np.nan, np.float32)}, "rewards holds values that are not finite"),
        ({"obs": np.full((7, 4), np.inf, np.float32)}, "obs holds values that are not finite"),
        ({"actions": np.full(7, -1)}, "an action is negative: -1"),
        ({"actions": np.full(7, 9)}, "action 9, but its interface says n_actions = 9"),
        ({"episode": np.array([1, 1, 0, 0, 0, 0, 0], np.int32)}, "episode must start at 0"),
        ({"interface": np.zeros(2)}, "'interface' must be one short text"),
        ({"interface": np.array("x" * 10_001)}, "'interface' must be one short text"),
        ({"interface": np.array("{")}, "'interface' must be JSON"),
        ({"interface": np.array('{"actions": [1]}')}, "'interface' must be a JSON object"),
        ({"interface": np.array("[]")}, "'interface' must be a JSON object"),
    ],
)
def test_wrong_files_are_refused(
    dataset: TransitionsDataset, recording: Recording, changes: dict[str, Any], message: str
) -> None:
    dataset.save(recording)
    rewrite(dataset, **changes)
    with pytest.raises(DatasetError, match=f"recording.npz: no usable recording: .*{message}"):
        dataset.load()


def test_a_lazy_recording_is_read_when_it_is_asked_for(
    dataset: TransitionsDataset, recording: Recording
) -> None:
    lazy = TransitionsDataset(filepath=dataset._filepath, load_args={"lazy": True})
    with pytest.raises(DatasetError, match="there is no recording here"):
        lazy.load()
    lazy.save(recording)
    loaded, damaged = lazy.load(), lazy.load()
    steps = loaded.transitions_for(dict(INTERFACE))
    rewrite(dataset, rewards=None)
    assert loaded.transitions is steps, "read once"
    for name, array in vars(recording.transitions).items():
        np.testing.assert_array_equal(getattr(steps, name), array)
    with pytest.raises(DatasetError, match="recording.npz: no usable recording: .*rewards"):
        damaged.transitions_for(dict(INTERFACE))


def test_what_became_invalid_is_not_saved(
    dataset: TransitionsDataset, recording: Recording
) -> None:
    dataset.save(recording)
    before = Path(dataset._filepath).read_bytes()
    recording.transitions.rewards[3] = np.nan
    with pytest.raises(
        DatasetError, match=r"recording\.npz: the recording is not saved: .*rewards"
    ):
        dataset.save(recording)
    assert Path(dataset._filepath).read_bytes() == before


def test_loaded_arrays_belong_to_the_reader(
    dataset: TransitionsDataset, recording: Recording
) -> None:
    dataset.save(recording)
    transitions = dataset.load().transitions
    assert all(array.flags.writeable for array in vars(transitions).values())


def test_preview_has_one_row_per_episode(dataset: TransitionsDataset, recording: Recording) -> None:
    dataset.save(recording)
    assert dataset.preview() == {
        "index": [0, 1],
        "columns": ["episode", "transitions", "total_reward", "ended_by_fall"],
        "data": [[0, 3, 1.5, True], [1, 4, 2.5, False]],
    }
    assert len(dataset.preview(nrows=1)["data"]) == 1
    assert inspect.signature(dataset.preview).return_annotation is TablePreview


def test_interfaces_survive(dataset: TransitionsDataset, recording: Recording) -> None:
    interface = {**recording.interface, "observation": "Größe \N{RUNNER}"}
    dataset.save(replace(recording, interface=interface))
    assert dataset.load().interface == interface
