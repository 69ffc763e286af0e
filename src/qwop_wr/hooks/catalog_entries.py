"""What the catalog's entries ask of MLflow."""

from collections.abc import Mapping
from typing import Any

import mlflow
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog


class CatalogEntriesHook:
    """Remembers the run's catalog, for hooks that follow the metadata of its entries."""

    def __init__(self) -> None:
        self._catalog: DataCatalog | None = None

    @hook_impl
    def after_catalog_created(self, catalog: DataCatalog) -> None:
        """Remember the catalog.

        Args:
            catalog: The run's catalog.
        """
        self._catalog = catalog

    def _wanted(self, dataset_name: str) -> Mapping[str, Any]:
        """The entry's ``metadata.mlflow``; empty without one, or while no MLflow run is active."""
        if self._catalog is None or mlflow.active_run() is None:
            return {}
        metadata = getattr(self._catalog[dataset_name], "metadata", None) or {}
        return metadata.get("mlflow") or {}
