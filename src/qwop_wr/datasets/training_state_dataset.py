"""``TrainingStateDataset`` keeps the state of a training in one safetensors file."""

import json
import zlib
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from kedro.io import DatasetError

from qwop_wr.agents.state import TrainingState
from qwop_wr.datasets.tensors_dataset import Described, Tensors, TensorsDataset


class TrainingStateDataset(TensorsDataset[TrainingState]):
    """``TrainingStateDataset`` loads and saves the state of a training.

    Arrays are plain tensors, everything else is JSON in the file's metadata; nothing
    in the file can execute, and a checksum finds damage. A stop in the middle of a save leaves
    the state before.

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
    METADATA_KEY: ClassVar[str] = "qwop-training"
    NAMES: ClassVar[frozenset[str]] = frozenset({"facts", "checksum"})
    OBJECT: ClassVar[str] = "facts"

    def load_facts(self) -> Mapping[str, Any] | None:
        """Reads the facts alone, without the arrays; None if there is no file.

        Raises:
            DatasetError: If the file is damaged or no training state.
        """
        path = self._stored_path()
        if path is None:
            return None
        with self._reading(path), self._fs.open(path, "rb") as file:
            facts: Mapping[str, Any] = self._read_description(file)["facts"]
            return facts

    def _holds(self, data: TrainingState) -> bool:
        # A state is too large to be read before every save: the facts tell most apart.
        try:
            present = self.load_facts()
        except DatasetError:
            return False
        return present == _as_stored(data.facts) and super()._holds(data)

    def _encode(self, item: TrainingState) -> Described:
        facts = _as_stored(item.facts)
        checksum = _checksum(facts, item.arrays)
        return Described({"facts": facts, "checksum": checksum}, item.arrays)

    def _decode(self, description: Mapping[str, Any], tensors: Tensors) -> TrainingState:
        if description["checksum"] != _checksum(description["facts"], tensors):
            raise ValueError("it is damaged: its checksum is another")
        return TrainingState(tensors, description["facts"])


def _as_stored(facts: Mapping[str, Any]) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads(json.dumps(dict(facts)))
    return stored


def _checksum(facts: Mapping[str, Any], tensors: Tensors) -> int:
    """CRC-32 of facts and arrays: a flipped bit would silently corrupt a training."""
    checksum = zlib.crc32(json.dumps(facts, sort_keys=True).encode())
    for name in sorted(tensors):
        content = np.ascontiguousarray(tensors[name]).reshape(-1).view(np.uint8)
        checksum = zlib.crc32(content.data, zlib.crc32(name.encode(), checksum))
    return checksum
