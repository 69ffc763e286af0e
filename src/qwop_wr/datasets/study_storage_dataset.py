"""``StudyStorageDataset`` opens the file that Optuna keeps its trials in."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

if TYPE_CHECKING:
    from optuna.storages import RDBStorage


class StudyStorageDataset(AbstractDataset[NoReturn, "RDBStorage"]):
    """``StudyStorageDataset`` opens an SQLite file for Optuna, which writes to it as it goes.

    Args:
        filepath: Path of the file; it and its folder are made if they are missing.
        metadata: Anything; Kedro ignores it, plugins and hooks may read it.

    Examples:
        Using the YAML API:

        ```yaml
        sweep_storage:
          type: qwop_wr.datasets.StudyStorageDataset
          filepath: data/07_model_output/sweep.db
        ```

        Using the Python API:

        >>> from qwop_wr.datasets import StudyStorageDataset
        >>>
        >>> storage = StudyStorageDataset(filepath=str(tmp_path / "sweep.db")).load()
        >>> storage.get_all_studies()
        []
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(filepath)
        self.metadata = metadata

    def load(self) -> "RDBStorage":
        """Opens the file.

        Raises:
            DatasetError: If it is no such file.
        """
        from optuna.storages import RDBStorage  # noqa: PLC0415 (slow, and only for sweeps)

        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return RDBStorage(f"sqlite:///{self._path.absolute().as_posix()}")
        except Exception as error:
            reason = str(error).splitlines()[0]
            raise DatasetError(
                f"{self._path}: no usable study storage: {reason}; replace or delete it"
            ) from error

    def save(self, data: NoReturn) -> None:
        """Refuses: Optuna itself writes to the storage."""
        raise DatasetError(f"{self._path}: a study storage is written by Optuna alone")

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._path}

    def _exists(self) -> bool:
        return self._path.exists()
