"""States of trainings: whole, exact, and refused when they are not what they should be."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from kedro.io.core import DatasetError

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.state import TrainingState, history_arrays, history_frame, prefixed
from qwop_wr.datasets import AgentDataset, TrainingStateDataset


def test_other_files_are_refused(tmp_path: Path, agent: Agent) -> None:
    path = tmp_path / "state.safetensors"
    AgentDataset(filepath=path).save(agent)
    with pytest.raises(DatasetError, match="without 'qwop-training'"):
        TrainingStateDataset(filepath=path).load()


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
    dataset.save(TrainingState(prefixed("history", history_arrays(history)), {}))
    loaded = dataset.load()
    assert loaded is not None
    pd.testing.assert_frame_equal(
        history_frame(loaded.part("history")), history, check_exact=True, check_dtype=False
    )
