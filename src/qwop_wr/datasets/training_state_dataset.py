"""``TrainingStateDataset`` keeps what a training goes on from in one safetensors file."""

from collections.abc import Mapping
from typing import Any, ClassVar

from qwop_wr.agents.state import TrainingState
from qwop_wr.datasets.tensors_dataset import Described, Tensors, TensorsDataset


class TrainingStateDataset(TensorsDataset[TrainingState]):
    """``TrainingStateDataset`` loads and saves the state of a training.

    Arrays are plain tensors, everything else is JSON in the file's metadata; nothing
    in the file can execute. The file appears whole or not at all, so that a stop in
    the middle of a save leaves the state before.

    Examples:
        Using the YAML API:

        ```yaml
        expert_training:
          type: qwop_wr.datasets.TrainingStateDataset
          filepath: data/06_models/expert_training.safetensors
        ```

        Using the Python API:

        >>> import numpy as np
        >>> from qwop_wr.agents.state import TrainingState
        >>> from qwop_wr.datasets import TrainingStateDataset
        >>>
        >>> dataset = TrainingStateDataset(filepath=tmp_path / "training.safetensors")
        >>> dataset.save(TrainingState({"policy/weight": np.ones(3)}, {"steps": 7}))
        >>> dataset.load().facts["steps"]
        7
    """

    KIND: ClassVar[str] = "training state"
    DEFAULT_LOAD_ARGS: ClassVar[dict[str, Any]] = {"optional": False, "max_bytes": 2**31}
    """``optional``: whether a missing file loads as ``None`` instead of being an error;
    ``max_bytes``: the largest file that is read."""

    ITEM: ClassVar[type] = TrainingState
    ARTICLE: ClassVar[str] = "a"
    METADATA_KEY: ClassVar[str] = "qwop-training"
    NAMES: ClassVar[frozenset[str]] = frozenset({"facts"})
    OBJECT: ClassVar[str] = "facts"

    def _encode(self, item: TrainingState) -> Described:
        return Described({"facts": dict(item.facts)}, item.arrays)

    def _decode(self, description: Mapping[str, Any], tensors: Tensors) -> TrainingState:
        return TrainingState(tensors, description["facts"])
