"""``MlflowMetricsDataset`` logs metrics to the MLflow run without failing it."""

from collections.abc import Mapping
from typing import Any

from kedro_mlflow.io.metrics import MlflowMetricsHistoryDataset

from qwop_wr.tracking.runs import tolerated


class MlflowMetricsDataset(MlflowMetricsHistoryDataset):  # type: ignore[misc]  # no types
    """kedro-mlflow's metrics, for numbers that a file of the project holds, too.

    If the store does not answer, saving logs a warning and the pipeline continues.

    Examples:
        Using the YAML API:

        ```yaml
        evaluation_metrics:
          type: qwop_wr.tracking.metrics_dataset.MlflowMetricsDataset
          prefix: evaluation
        ```
    """

    def _save(self, data: Mapping[str, Any]) -> None:
        with tolerated(f"take {len(data)} metrics, which the files of the results hold"):
            super()._save(data)
