from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from qwop_wr.agents.state import TrainingState
from qwop_wr.datasets.state_file import StateFile
from qwop_wr.errors import BadInputError


def make_state() -> TrainingState:
    arrays = {
        "experience/rewards": np.arange(6, dtype=np.float32).reshape(3, 2),
        "experience/imitated": np.array([True, False]),
        "optimizer/0.step": np.array(7.0, dtype=np.float32),
        "elite/episode": np.array([0, 1], dtype=np.int32),
    }
    generator = np.random.default_rng(0).bit_generator.state
    return TrainingState(arrays, {"generators": [generator], "mean": 0.1, "none": None})


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    file, state = StateFile(tmp_path / "new" / "state.safetensors"), make_state()
    assert file.load() is None
    file.save(state)
    loaded = file.load()
    assert loaded is not None
    assert loaded.facts == state.facts
    assert loaded.arrays.keys() == state.arrays.keys()
    for name, array in state.arrays.items():
        np.testing.assert_array_equal(loaded.arrays[name], array)
        assert loaded.arrays[name].dtype == array.dtype
    file.remove()
    file.remove()
    assert file.load() is None


def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    StateFile(path).save(make_state())
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(BadInputError, match="is damaged .*delete it to begin anew"):
        StateFile(path).load()


def test_other_safetensors_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    save_file({"a": np.zeros(2)}, path)
    with pytest.raises(BadInputError, match="is not the state of a training"):
        StateFile(path).load()


def test_a_save_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "state.safetensors")
    file.save(make_state())
    with pytest.raises(TypeError):
        file.save(TrainingState({}, {"no json": object()}))
    assert file.load() is not None
    assert [path.name for path in tmp_path.iterdir()] == ["state.safetensors"]
