"""Kedro's datasets, except that what is missing is no error."""

from collections.abc import Callable
from typing import Any

from kedro_datasets._typing import JSONPreview
from kedro_datasets.json import JSONDataset
from kedro_datasets.partitions import PartitionedDataset


class OptionalJSONDataset(JSONDataset):  # type: ignore[misc]  # kedro-datasets has no types
    """``OptionalJSONDataset`` is Kedro's ``JSONDataset``, but a missing file loads as ``None``.

    Examples:
        Using the YAML API:

        ```yaml
        ablations:
          type: qwop_wr.datasets.OptionalJSONDataset
          filepath: data/08_reporting/ablations.json
        ```

        Using the Python API:

        >>> from qwop_wr.datasets import OptionalJSONDataset
        >>>
        >>> dataset = OptionalJSONDataset(filepath=str(tmp_path / "ablations.json"))
        >>> dataset.load() is None
        True
        >>> dataset.save({"columns": ["part"], "rows": [["n-step"]]})
        >>> dataset.load()["columns"]
        ['part']
    """

    def load(self) -> Any:  # noqa: ANN401 - JSON
        """Loads the file.

        Returns:
            What it holds; None if there is none.

        Raises:
            DatasetError: If it cannot be read.
        """
        return super().load() if self.exists() else None

    def preview(self) -> JSONPreview:
        """Shows the file in Kedro-Viz.

        Returns:
            Its JSON; ``null`` if there is none.
        """
        return super().preview() if self.exists() else JSONPreview("null")


class OptionalPartitions(PartitionedDataset):  # type: ignore[misc]
    """Kedro's partitioned dataset, except that it may be missing or empty.

    The case of the files' ending does not matter either.

    Example:
        >>> dataset = OptionalPartitions(path=str(tmp_path / "new"), dataset="json.JSONDataset")
        >>> dataset.load()
        {}
    """

    def load(self) -> dict[str, Callable[[], Any]]:
        """Finds the files.

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
