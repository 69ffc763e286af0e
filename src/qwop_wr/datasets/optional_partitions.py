"""A folder of files that may not be there yet."""

from collections.abc import Callable
from typing import Any

from kedro_datasets.partitions import PartitionedDataset


class OptionalPartitions(PartitionedDataset):  # type: ignore[misc]
    """Kedro's partitioned dataset, except that an empty or missing folder is no error.

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
