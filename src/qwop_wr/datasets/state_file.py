"""The state of an unfinished training as one file that holds nothing executable."""

import json
from pathlib import Path
from typing import Any

import fsspec
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as format_tensors

from qwop_wr.agents.state import TrainingState
from qwop_wr.datasets.whole_files import whole_file
from qwop_wr.errors import BadInputError

_FORMAT_VERSION = 1
_METADATA_KEY = "training_state"


class StateFile:
    """Keeps the newest state of a training in a safetensors file.

    Args:
        path: Local path of the file; its folder is made when it is needed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> TrainingState | None:
        """Read the state.

        Returns:
            The state; None if there is no file.

        Raises:
            BadInputError: If the file is damaged or of another format.
        """
        if not self._path.exists():
            return None
        try:
            with safe_open(self._path, framework="np") as file:
                description: dict[str, Any] = json.loads(
                    (file.metadata() or {}).get(_METADATA_KEY, "{}")
                )
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, json.JSONDecodeError) as error:
            raise BadInputError(
                f"{self._path} is damaged ({error}); delete it to begin anew"
            ) from error
        if description.get("format_version") != _FORMAT_VERSION:
            raise BadInputError(
                f"{self._path} is not the state of a training, format {_FORMAT_VERSION}; "
                "delete it to begin anew"
            )
        return TrainingState(arrays, description["facts"])

    def save(self, state: TrainingState) -> None:
        """Replace the file, whole or not at all.

        Args:
            state: The state.
        """
        description = {"format_version": _FORMAT_VERSION, "facts": dict(state.facts)}
        content = format_tensors(
            dict(state.arrays), metadata={_METADATA_KEY: json.dumps(description)}
        )
        with whole_file(fsspec.filesystem("file"), str(self._path)) as file:
            file.write(content)

    def remove(self) -> None:
        """Delete the file, if there is one."""
        self._path.unlink(missing_ok=True)
