"""Kedro's datasets with small changes: UTF-8 everywhere, previews, files that may be missing."""

import re
from collections.abc import Callable
from typing import Any, ClassVar, Final

from kedro_datasets._typing import HTMLPreview, JSONPreview
from kedro_datasets.json import JSONDataset
from kedro_datasets.pandas import CSVDataset
from kedro_datasets.partitions import PartitionedDataset
from kedro_datasets.text import TextDataset

_PREVIEW: Final = re.compile("<!-- preview -->(.*?)<!-- /preview -->", re.DOTALL)
_MAX_PREVIEW: Final = 50_000


class PageDataset(TextDataset):  # type: ignore[misc]  # kedro-datasets has no types
    """``PageDataset`` is Kedro's ``TextDataset`` in UTF-8, with a preview: HTML or Markdown.

    Kedro's writes in the encoding and with the line ends of the machine's locale; a page has
    the same bytes everywhere.

    A long page marks what is worth a preview with the comments ``<!-- preview -->`` and
    ``<!-- /preview -->``. Kedro-Viz sanitises what it shows: no script, no style.

    Examples:
        Using the YAML API:

        ```yaml
        report:
          type: qwop_wr.datasets.PageDataset
          filepath: data/08_reporting/report.html
        ```

        Using the Python API:

        >>> from qwop_wr.datasets import PageDataset
        >>>
        >>> dataset = PageDataset(filepath=str(tmp_path / "report.html"))
        >>> dataset.save("<html><!-- preview --><h1>39.80 s</h1><!-- /preview --></html>")
        >>> dataset.load()
        '<html><!-- preview --><h1>39.80 s</h1><!-- /preview --></html>'
        >>> dataset.preview()
        '<h1>39.80 s</h1>'
    """

    DEFAULT_FS_ARGS: ClassVar[dict[str, Any]] = {
        "open_args_save": {"mode": "w", "encoding": "utf-8", "newline": "\n"},
        "open_args_load": {"mode": "r", "encoding": "utf-8"},
    }

    def preview(self) -> HTMLPreview:
        """Shows the marked parts in Kedro-Viz, or the start of the page where none are marked."""
        page = self.load()
        marked = "\n".join(part.strip() for part in _PREVIEW.findall(page))
        return HTMLPreview((marked or page)[:_MAX_PREVIEW])


class TableDataset(CSVDataset):  # type: ignore[misc]  # kedro-datasets has no types
    """``TableDataset`` is Kedro's ``CSVDataset`` in UTF-8, with the same bytes everywhere.

    Examples:
        Using the YAML API:

        ```yaml
        history:
          type: qwop_wr.datasets.TableDataset
          filepath: data/07_model_output/history.csv
          save_args:
            index: false
        ```

        Using the Python API:

        >>> import pandas as pd
        >>> from qwop_wr.datasets import TableDataset
        >>>
        >>> dataset = TableDataset(filepath=str(tmp_path / "history.csv"))
        >>> dataset.save(pd.DataFrame({"metric": ["finish rate ≥ 90 %"]}))
        >>> dataset.load()["metric"][0]
        'finish rate ≥ 90 %'
    """

    DEFAULT_FS_ARGS: ClassVar[dict[str, Any]] = {
        "open_args_save": {"mode": "w", "encoding": "utf-8", "newline": ""}
    }
    DEFAULT_SAVE_ARGS: ClassVar[dict[str, Any]] = {"index": False, "lineterminator": "\n"}


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
        """Loads the file; None if there is none."""
        return super().load() if self.exists() else None

    def preview(self) -> JSONPreview:
        """Shows the file in Kedro-Viz; ``null`` if there is none."""
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
        """Finds the files; returns functions that load them, by name."""
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
