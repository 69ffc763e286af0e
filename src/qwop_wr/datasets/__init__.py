"""Kedro datasets: recorded episodes, agents and tapes. Loading never executes anything."""

from qwop_wr.datasets.adapted_datasets import (
    OptionalJSONDataset,
    OptionalPartitions,
    PageDataset,
    TableDataset,
)
from qwop_wr.datasets.agent_dataset import AgentDataset, AgentsDataset
from qwop_wr.datasets.study_storage_dataset import StudyStorageDataset
from qwop_wr.datasets.tape_dataset import TapeDataset, TapesDataset
from qwop_wr.datasets.training_state_dataset import TrainingStateDataset
from qwop_wr.datasets.transitions_dataset import Recording, StoredRecording, TransitionsDataset

__all__ = [
    "AgentDataset",
    "AgentsDataset",
    "OptionalJSONDataset",
    "OptionalPartitions",
    "PageDataset",
    "Recording",
    "StoredRecording",
    "StudyStorageDataset",
    "TableDataset",
    "TapeDataset",
    "TapesDataset",
    "TrainingStateDataset",
    "TransitionsDataset",
]
