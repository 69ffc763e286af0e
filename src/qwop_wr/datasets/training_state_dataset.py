"""``TrainingStateDataset`` keeps what a training goes on from in one safetensors file."""

from typing import Any, ClassVar

from kedro.io.core import DatasetError

from qwop_wr.agents.state import TrainingState
from qwop_wr.datasets.described_tensors import parse_content, read_description, write_tensors
from qwop_wr.datasets.stored_dataset import StoredDataset
from qwop_wr.datasets.whole_files import whole_file

_METADATA_KEY = "qwop-training"
_NAMES = {"format_version", "facts"}
_FORMAT_VERSION = 1


class TrainingStateDataset(StoredDataset[TrainingState, TrainingState | None]):
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

    def load(self) -> TrainingState | None:
        """Load the state.

        Returns:
            The state; None if there is no file and ``optional`` is set.

        Raises:
            DatasetError: If the file is missing, damaged, too big, or not a state.
        """
        if self._load_args["optional"] and self._stored_path() is None:
            return None
        path = self._required_path()
        with self._reading(path):
            size, limit = self._fs.size(path), self._load_args["max_bytes"]
            if size > limit:
                raise ValueError(f"it has {size} bytes, the limit is {limit}")
            with self._fs.open(path, "rb") as file:
                description = read_description(file, _METADATA_KEY, _NAMES)
                if description["format_version"] != _FORMAT_VERSION:
                    raise ValueError(
                        f"its format_version is {description['format_version']!r}, "
                        f"expected {_FORMAT_VERSION}"
                    )
                if not isinstance(description["facts"], dict):
                    raise ValueError("its facts must be a JSON object")
                file.seek(0)
                return TrainingState(parse_content(file.read()), description["facts"])

    def save(self, data: TrainingState) -> None:
        """Save the state, whole or not at all.

        Args:
            data: The state.

        Raises:
            DatasetError: If it is not a state or cannot be written.
        """
        if not isinstance(data, TrainingState):
            raise DatasetError(
                f"{self._filepath}: got a {type(data).__name__} to save; expected a TrainingState"
            )
        description = {"format_version": _FORMAT_VERSION, "facts": dict(data.facts)}
        with self._writing() as path, whole_file(self._fs, path) as file:
            write_tensors(file, _METADATA_KEY, description, data.arrays)
