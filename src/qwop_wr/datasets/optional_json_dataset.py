"""``OptionalJSONDataset`` loads a JSON file that need not be there."""

from typing import Any

from kedro_datasets._typing import JSONPreview
from kedro_datasets.json import JSONDataset


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
        """Load the file.

        Returns:
            What it holds; None if there is none.

        Raises:
            DatasetError: If it cannot be read.
        """
        return super().load() if self.exists() else None

    def preview(self) -> JSONPreview:
        """Show the file in Kedro-Viz.

        Returns:
            Its JSON; ``null`` if there is none.
        """
        return super().preview() if self.exists() else JSONPreview("null")
