"""Kedro's datasets of text, in UTF-8: pages that Kedro-Viz can show, and tables."""

import re
from typing import Any, ClassVar, Final

from kedro_datasets._typing import HTMLPreview
from kedro_datasets.pandas import CSVDataset
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
        """Shows the marked parts in Kedro-Viz, or the whole page where none are marked.

        Returns:
            HTML or Markdown, cut where it is too long to be looked at.
        """
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
