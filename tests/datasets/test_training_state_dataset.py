"""States of trainings: whole, exact, and refused when they are not what they should be."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from kedro.io.core import DatasetError

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.state import TrainingState, history_arrays, history_frame, under
from qwop_wr.datasets import AgentDataset, TrainingStateDataset

STATE = TrainingState(
    {
        "policy/weight": np.arange(6, dtype=np.float32).reshape(2, 3) / 7,
        "optimiser/0.step": np.array(12.0, dtype=np.float32),
        "generator/torch": np.arange(9, dtype=np.uint8),
        "history/step": np.array([1, 2**40]),
    },
    {"steps": 5, "best": {"card": {"stage": "expert"}}},
)


def test_a_state_comes_back_bit_for_bit(tmp_path: Path) -> None:
    dataset = TrainingStateDataset(filepath=tmp_path / "state.safetensors")
    dataset.save(STATE)
    loaded = dataset.load()
    assert loaded is not None
    assert loaded.facts == STATE.facts
    assert loaded.arrays.keys() == STATE.arrays.keys()
    for name, array in STATE.arrays.items():
        assert loaded.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(loaded.arrays[name], array)


def test_a_missing_state_may_be_optional(tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    assert TrainingStateDataset(filepath=path, load_args={"optional": True}).load() is None
    with pytest.raises(DatasetError, match="there is no training state here"):
        TrainingStateDataset(filepath=path).load()


def test_other_files_are_refused(tmp_path: Path, agent: Agent) -> None:
    path = tmp_path / "state.safetensors"
    AgentDataset(filepath=path).save(agent)
    with pytest.raises(DatasetError, match="without 'qwop-training'"):
        TrainingStateDataset(filepath=path).load()
    TrainingStateDataset(filepath=path).save(STATE)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(DatasetError, match="truncated or damaged"):
        TrainingStateDataset(filepath=path).load()


def test_a_state_that_is_too_big_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    TrainingStateDataset(filepath=path).save(STATE)
    small = TrainingStateDataset(filepath=path, load_args={"max_bytes": 100})
    with pytest.raises(DatasetError, match="the limit is 100"):
        small.load()


def test_only_states_are_saved(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="expected a TrainingState"):
        TrainingStateDataset(filepath=tmp_path / "x").save("state")  # type: ignore[arg-type]


def test_a_long_history_comes_back(tmp_path: Path) -> None:
    # As JSON in the header it would be more than a reader accepts.
    n = 200_000
    history = pd.DataFrame(
        {
            "step": np.arange(n, dtype=np.int64),
            "metric": [("train/loss", "evaluation/finish_rate")[i % 2] for i in range(n)],
            "value": np.linspace(0.0, 1.0, n),
        }
    )
    dataset = TrainingStateDataset(filepath=tmp_path / "state.safetensors")
    dataset.save(TrainingState(under("history", history_arrays(history)), {}))
    loaded = dataset.load()
    assert loaded is not None
    pd.testing.assert_frame_equal(
        history_frame(loaded.part("history")), history, check_exact=True, check_dtype=False
    )
