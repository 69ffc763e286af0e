"""Recorded steps, with the environment that they come from, as arrays in an npz file."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from kedro.io.core import DatasetError
from kedro_datasets._typing import TablePreview

from qwop_wr.agents.transitions import Transitions
from qwop_wr.datasets.npz import read_arrays, write_arrays
from qwop_wr.datasets.stored_dataset import StoredDataset
from qwop_wr.renames import present_name
from qwop_wr.whole_files import whole_file


@dataclass(frozen=True, eq=False)
class Recording:
    """Transitions and the interface of the environment that they were recorded in.

    Attributes:
        interface: The environment's ``observation``, ``actions``,
            ``ticks_per_action``, ``n_observations`` and ``n_actions``.

    Raises:
        ValueError: If the steps cannot come from such an environment.
    """

    transitions: Transitions
    interface: Mapping[str, str | int]

    def __post_init__(self) -> None:
        length = self.transitions.obs.shape[1]
        if self.interface.get("n_observations") != length:
            raise ValueError(
                f"its observations have {length} numbers, but its interface says "
                f"n_observations = {self.interface.get('n_observations')!r}"
            )
        n_actions = self.interface.get("n_actions")
        largest = int(self.transitions.actions.max())
        if not isinstance(n_actions, int) or largest >= n_actions:
            raise ValueError(
                f"it holds action {largest}, but its interface says n_actions = {n_actions!r}"
            )
        interface = {
            key: present_name(value) if key == "actions" else value
            for key, value in self.interface.items()
        }
        object.__setattr__(self, "interface", interface)

    def transitions_for(self, interface: Mapping[str, str | int]) -> Transitions:
        """Returns the steps for learning in another environment, if it has the same interface.

        Raises:
            ValueError: If the environments differ, naming the first difference.
        """
        for key, recorded in self.interface.items():
            if interface.get(key) != recorded:
                raise ValueError(
                    f"the demonstrations were recorded with {key} = {recorded!r}, but the "
                    f"environment has {interface.get(key)!r}; record them again or change "
                    "the environment"
                )
        return self.transitions


class StoredRecording(Recording):
    """A recording that stays in its file until it is first asked for.

    Args:
        read: Reads it.
    """

    def __init__(self, read: Callable[[], Recording]) -> None:
        object.__setattr__(self, "_read", read)

    @cached_property
    def _recording(self) -> Recording:
        read: Callable[[], Recording] = vars(self)["_read"]
        return read()

    @property
    def transitions(self) -> Transitions:
        """Reads the steps."""
        return self._recording.transitions

    @property
    def interface(self) -> Mapping[str, str | int]:
        """Reads the interface."""
        return self._recording.interface


_STEP_ARRAYS = ("obs", "actions", "rewards", "next_obs", "dones", "episode")
_INTERFACE = "interface"
_MAX_INTERFACE_LENGTH = 10_000
_MAX_OVERHEAD = 2**20
"""Allowance for an archive's contents other than its arrays [bytes]."""


class TransitionsDataset(StoredDataset[Recording, Recording]):
    """``TransitionsDataset`` loads and saves a recording as an npz file.

    The file holds the arrays ``obs``, ``actions``, ``rewards``, ``next_obs``,
    ``dones`` and ``episode`` of the transitions, and ``interface``, the environment's
    interface as JSON text. It is read without pickle, within a limit of memory, and
    validated on load and save; it appears whole or not at all.

    Examples:
        Using the YAML API:

        ```yaml
        demonstrations:
          type: qwop_wr.datasets.TransitionsDataset
          filepath: data/03_primary/demonstrations.npz
        ```

        Using the Python API:

        >>> import numpy as np
        >>> from qwop_wr.agents.transitions import Transitions
        >>> from qwop_wr.datasets import Recording, TransitionsDataset
        >>>
        >>> steps = Transitions(
        ...     obs=np.zeros((2, 3), np.float32),
        ...     actions=np.array([0, 8]),
        ...     rewards=np.ones(2, np.float32),
        ...     next_obs=np.ones((2, 3), np.float32),
        ...     dones=np.array([False, True]),
        ...     episode=np.zeros(2, np.int32),
        ... )
        >>> interface = {
        ...     "observation": "egocentric",
        ...     "actions": "minimal",
        ...     "ticks_per_action": 2,
        ...     "n_observations": 3,
        ...     "n_actions": 9,
        ... }
        >>> dataset = TransitionsDataset(filepath=tmp_path / "demonstrations.npz")
        >>> dataset.save(Recording(steps, interface))
        >>> dataset.load().transitions.n_episodes
        1
    """

    KIND: ClassVar[str] = "recording"
    ITEM: ClassVar[type[Recording]] = Recording
    DEFAULT_LOAD_ARGS: ClassVar[dict[str, Any]] = {"max_bytes": 2 * 2**30, "lazy": False}
    """``max_bytes``: the most memory that a file may ask for [bytes]. ``lazy``: the file is read,
    and what is wrong with it said, only when the recording is first asked for."""

    def _read(self, path: str) -> Recording:
        if not self._load_args["lazy"]:
            return self._read_arrays(path)

        def read() -> Recording:
            with self._reading(path):
                return self._read_arrays(path)

        return StoredRecording(read)

    def _read_arrays(self, path: str) -> Recording:
        # Compressed files are smaller than their arrays, others hardly larger.
        self._check_file(path, self._load_args["max_bytes"] + _MAX_OVERHEAD)
        with self._fs.open(path, "rb") as file:
            names = (*_STEP_ARRAYS, _INTERFACE)
            arrays = read_arrays(file, names, max_bytes=self._load_args["max_bytes"])
        interface = _parse_interface(arrays.pop(_INTERFACE))
        return Recording(Transitions(**arrays), interface)

    def _write(self, path: str, data: Recording) -> None:
        arrays = {name: getattr(data.transitions, name) for name in _STEP_ARRAYS}
        text = np.array(json.dumps(data.interface, sort_keys=True))
        with whole_file(self._fs, path) as file:
            write_arrays(file, {**arrays, _INTERFACE: text})

    def _check(self, data: Recording) -> None:
        super()._check(data)
        try:
            # Arrays are mutable: what is saved must be valid now.
            Recording(Transitions(**vars(data.transitions)), data.interface)
        except ValueError as error:
            raise DatasetError(f"{self._filepath}: the recording is not saved: {error}") from error

    def _is_same(self, present: Recording, data: Recording) -> bool:
        return present.interface == data.interface and all(
            np.array_equal(getattr(present.transitions, name), getattr(data.transitions, name))
            for name in _STEP_ARRAYS
        )

    def preview(self, nrows: int = 10) -> TablePreview:
        """Summarises the first episodes for Kedro-Viz."""
        steps = self.load().transitions
        ends = np.flatnonzero(steps.ends)[:nrows] + 1
        starts = np.concatenate(([0], ends[:-1]))
        rows = [
            [
                int(steps.episode[start]),
                int(end - start),
                round(float(steps.rewards[start:end].sum()), 3),
                bool(steps.dones[end - 1]),
            ]
            for start, end in zip(starts, ends, strict=True)
        ]
        columns = ["episode", "transitions", "total_reward", "ended_by_fall"]
        return TablePreview({"index": list(range(len(rows))), "columns": columns, "data": rows})


def _parse_interface(array: np.ndarray[Any, np.dtype[Any]]) -> dict[str, str | int]:
    if array.dtype.kind != "U" or array.shape != () or array.nbytes > 4 * _MAX_INTERFACE_LENGTH:
        raise ValueError(f"'interface' must be one short text, got {array.dtype}{array.shape}")
    try:
        interface = json.loads(str(array))
    except ValueError as error:
        raise ValueError(f"'interface' must be JSON ({error})") from error
    if not isinstance(interface, dict) or not all(
        isinstance(value, str | int) for value in interface.values()
    ):
        raise ValueError("'interface' must be a JSON object of texts and whole numbers")
    return interface
