"""A folder of files that may not be there yet."""

from collections.abc import Callable
from typing import Any

from kedro_datasets.partitions import PartitionedDataset


class OptionalPartitions(PartitionedDataset):  # type: ignore[misc]
    """Kedro's partitioned dataset, except that it may be missing or empty.

    The case of the files' ending does not matter either.

    Example:
        >>> dataset = OptionalPartitions(path=str(tmp_path / "new"), dataset="json.JSONDataset")
        >>> dataset.load()
        {}
    """

    def load(self) -> dict[str, Callable[[], Any]]:
        """Find the files.

        Returns:
            Functions that load them, by name; none if there are no files.
        """
        return dict(super().load()) if self._list_partitions() else {}

    def _list_partitions(self) -> list[str]:
        suffix = self._filename_suffix
        others = [
            path
            for path in self._filesystem.find(self._normalized_path, **self._load_args)
            if path.lower().endswith(suffix) and not path.endswith(suffix)
        ]
        return [*super()._list_partitions(), *others]

    def _path_to_partition(self, path: str) -> str:
        suffix = self._filename_suffix
        if path.lower().endswith(suffix):
            path = path[: len(path) - len(suffix)] + suffix
        return str(super()._path_to_partition(path))
